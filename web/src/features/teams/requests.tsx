import { useInfiniteQuery } from "@tanstack/react-query";
import { useState } from "react";
import type { Schemas } from "@/api/client";
import { credits } from "@/lib/format";
import { Answer, More } from "@/ui/answer";
import { Button } from "@/ui/button";
import { Moment } from "@/ui/moment";
import { Empty } from "@/ui/notices";
import { Section, Table } from "@/ui/table";
import { Decide } from "./forms";
import { requestsQuery } from "./queries";

type Request = Schemas["CreditRequest"];
type Open = { decision: "grant" | "refuse"; of: Request } | null;

/** Members who ask for more, and wait for an answer. */
export function Requests({ onDone }: { onDone: (said: string) => void }) {
  const list = useInfiniteQuery(requestsQuery);
  const [open, setOpen] = useState<Open>(null);
  return (
    <Section title="Requests for credits">
      <Answer query={list} what="requests for credits">
        {({ pages }) => {
          const requests = pages.flatMap((page) => page.data);
          return requests.length === 0 ? (
            <Empty title="Nobody waits for credits" />
          ) : (
            <>
              <RequestTable list={requests} onDecide={(decision, of) => setOpen({ decision, of })} />
              <More list={list} />
            </>
          );
        }}
      </Answer>
      {open && (
        <Decide
          {...open}
          onDone={(said) => {
            setOpen(null);
            onDone(said);
          }}
          onClose={() => setOpen(null)}
        />
      )}
    </Section>
  );
}

function RequestTable({
  list,
  onDecide,
}: {
  list: Request[];
  onDecide: (decision: "grant" | "refuse", of: Request) => void;
}) {
  return (
    <Table caption="Requests for credits" heads={["Who", "Credits", "For the", "Why", "Asked", ""]}>
      {list.map((one) => (
        <tr key={one.id}>
          <th scope="row" className="font-medium whitespace-nowrap">
            {one.team}/{one.member}
          </th>
          <td>{credits(one.credits)}</td>
          <td className="whitespace-nowrap">
            {one.account} {one.key_prefix && `${one.key_prefix}…`}
          </td>
          <td className="min-w-48 break-words">{one.reason}</td>
          <td className="whitespace-nowrap">
            <Moment at={one.created_at} />
          </td>
          <td className="text-right whitespace-nowrap">
            <Button
              look="quiet"
              aria-label={`Grant the request of ${one.member}`}
              onClick={() => onDecide("grant", one)}
            >
              Grant
            </Button>
            <Button
              look="quiet"
              aria-label={`Refuse the request of ${one.member}`}
              onClick={() => onDecide("refuse", one)}
            >
              Refuse
            </Button>
          </td>
        </tr>
      ))}
    </Table>
  );
}
