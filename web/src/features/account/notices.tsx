import { useInfiniteQuery } from "@tanstack/react-query";
import { credits } from "@/lib/format";
import { Answer, More } from "@/ui/answer";
import { Moment } from "@/ui/moment";
import { Empty } from "@/ui/notices";
import { Badge, Section, Table } from "@/ui/table";
import { noticesQuery } from "./queries";

/** Which share of which limit was reached, and when. */
export function Notices() {
  const list = useInfiniteQuery(noticesQuery);
  return (
    <Section title="Notices">
      <Answer query={list} what="your notices">
        {({ pages }) => {
          const notices = pages.flatMap((page) => page.data);
          return notices.length === 0 ? (
            <Empty title="No notices">You are told here when a limit is half used, and later.</Empty>
          ) : (
            <>
              <Table caption="Notices" heads={["When", "Reached", "Of the", "Used", "Limit"]}>
                {notices.map((one) => (
                  <tr key={one.id}>
                    <td className="whitespace-nowrap">
                      <Moment at={one.created_at} />
                    </td>
                    <td>
                      <Badge look={one.percent >= 90 ? "bad" : "warning"}>{one.percent} %</Badge>
                    </td>
                    <td>
                      {one.account}
                      {one.key && ` ${one.key.name} (${one.key.prefix}…)`}
                    </td>
                    <td>{credits(one.used_credits)}</td>
                    <td>
                      {one.credit_limit === null ? "none" : credits(one.credit_limit)}
                      {one.period !== "none" && ` a ${one.period}`}
                    </td>
                  </tr>
                ))}
              </Table>
              <More list={list} />
            </>
          );
        }}
      </Answer>
    </Section>
  );
}
