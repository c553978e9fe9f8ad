import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { credits } from "@/lib/format";
import { Answer } from "@/ui/answer";
import { Moment } from "@/ui/moment";
import { Empty } from "@/ui/notices";
import { StateBadge } from "@/ui/state-badge";
import { Section, Table } from "@/ui/table";
import { titleOf } from "@/features/gallery/queries";
import { openQuery } from "./queries";

/** Videos that have not ended, and what each keeps reserved. */
export function OpenHolds() {
  const query = useQuery(openQuery);
  return (
    <Section title="Open holds">
      <Answer query={query} what="what is in progress">
        {({ data, has_more }) =>
          data.length === 0 ? (
            <Empty title="Nothing is held">Credits are held from the request to its end.</Empty>
          ) : (
            <>
              <Table caption="Open holds" heads={["Video", "State", "Since", "Held"]}>
                {data.map((one) => (
                  <tr key={one.id}>
                    <td className="max-w-80 truncate">
                      <Link
                        to="/videos/$id"
                        params={{ id: one.id }}
                        className="text-accent underline"
                      >
                        {titleOf(one)}
                      </Link>
                    </td>
                    <td>
                      <StateBadge state={one.state} />
                    </td>
                    <td className="whitespace-nowrap">
                      <Moment at={one.created_at} />
                    </td>
                    <td>{credits(one.quote_credits)}</td>
                  </tr>
                ))}
              </Table>
              {has_more && <p className="mt-2 text-sm text-muted">These are the newest; there are more.</p>}
            </>
          )
        }
      </Answer>
    </Section>
  );
}
