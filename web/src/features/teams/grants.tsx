import { useInfiniteQuery } from "@tanstack/react-query";
import { credits } from "@/lib/format";
import { Answer, More } from "@/ui/answer";
import { Moment } from "@/ui/moment";
import { Empty } from "@/ui/notices";
import { Table } from "@/ui/table";
import { type Grantee, grantsQuery } from "./grant-queries";

/** What was granted to an account, by whom and until when; also what has ended. */
export function Grants({ to }: { to: Grantee }) {
  const list = useInfiniteQuery(grantsQuery(to));
  return (
    <Answer query={list} what="the grants">
      {({ pages }) => {
        const grants = pages.flatMap((page) => page.data);
        return grants.length === 0 ? (
          <Empty title="Nothing was granted">A grant is beside the limit, for once.</Empty>
        ) : (
          <>
            <Table caption={`Grants to ${to.name}`} heads={["Credits", "Why", "By", "When", "Ends"]}>
              {grants.map((grant) => (
                <tr key={grant.id}>
                  <td>{credits(grant.credits)}</td>
                  <td className="min-w-48 break-words">{grant.reason}</td>
                  <td>{grant.actor}</td>
                  <td className="whitespace-nowrap">
                    <Moment at={grant.created_at} />
                  </td>
                  <td className="whitespace-nowrap">
                    {grant.ends_at ? <Moment at={grant.ends_at} /> : "never"}
                  </td>
                </tr>
              ))}
            </Table>
            <More list={list} />
          </>
        );
      }}
    </Answer>
  );
}
