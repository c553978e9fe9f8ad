import { useInfiniteQuery, useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import type { Schemas } from "@/api/client";
import { credits } from "@/lib/format";
import { Answer, More } from "@/ui/answer";
import { Button } from "@/ui/button";
import { Deed } from "@/ui/deed";
import { Field } from "@/ui/field";
import { Moment } from "@/ui/moment";
import { Empty, Failure } from "@/ui/notices";
import { Badge, Section, Table } from "@/ui/table";
import { askMutation, requestsQuery, withdrawMutation } from "./queries";

type Request = Schemas["CreditRequest"];

const LOOKS: Record<Schemas["RequestState"], "warning" | "good" | "bad" | "calm"> = {
  open: "warning",
  granted: "good",
  refused: "bad",
  withdrawn: "calm",
};

/** What a person asked for beside the limit, and what became of it. */
export function CreditRequests() {
  const list = useInfiniteQuery(requestsQuery);
  const [asking, setAsking] = useState(false);
  return (
    <Section
      title="Asked for more"
      aside={<Button onClick={() => setAsking(true)}>Ask for more credits</Button>}
    >
      <Answer query={list} what="your requests">
        {({ pages }) => {
          const requests = pages.flatMap((page) => page.data);
          return requests.length === 0 ? (
            <Empty title="You asked for nothing">
              The administrators of your team decide, and you read here what they said.
            </Empty>
          ) : (
            <>
              <Table caption="Asked for more" heads={["When", "Credits", "Why", "State", "Answer", ""]}>
                {requests.map((one) => (
                  <Row key={one.id} of={one} />
                ))}
              </Table>
              <More list={list} />
            </>
          );
        }}
      </Answer>
      {asking && <Ask onClose={() => setAsking(false)} />}
    </Section>
  );
}

function Row({ of }: { of: Request }) {
  const queries = useQueryClient();
  const withdraw = useMutation({
    ...withdrawMutation(of.id),
    onSuccess: () => queries.invalidateQueries({ queryKey: requestsQuery.queryKey }),
  });
  return (
    <tr>
      <td className="whitespace-nowrap">
        <Moment at={of.created_at} />
      </td>
      <td>{credits(of.granted_credits ?? of.credits)}</td>
      <td className="min-w-40 break-words">{of.reason}</td>
      <td>
        <Badge look={LOOKS[of.state]}>{of.state}</Badge>
      </td>
      <td className="min-w-40 break-words">
        {of.decision ?? "–"}
        {withdraw.error && <Failure error={withdraw.error} />}
      </td>
      <td className="text-right">
        {of.state === "open" && (
          <Button
            look="quiet"
            aria-label={`Withdraw the request for ${credits(of.credits)} credits`}
            disabled={withdraw.isPending}
            onClick={() => withdraw.mutate()}
          >
            Withdraw
          </Button>
        )}
      </td>
    </tr>
  );
}

function Ask({ onClose }: { onClose: () => void }) {
  const queries = useQueryClient();
  const ask = useMutation({
    ...askMutation,
    onSuccess: async () => {
      await queries.invalidateQueries({ queryKey: requestsQuery.queryKey });
      onClose();
    },
  });
  return (
    <Deed
      title="Ask for more credits"
      act="Ask"
      pending={ask.isPending}
      error={ask.error}
      onSubmit={(filled) =>
        ask.mutate({
          credits: Number(filled.text("credits")),
          reason: filled.text("reason"),
          ends_at: filled.instantOrNull("ends_at"),
        })
      }
      onClose={onClose}
    >
      <Field label="Credits" name="credits" type="number" min={1} required />
      <Field label="What for" name="reason" required maxLength={500} />
      <Field label="Needed until" name="ends_at" type="datetime-local" hint="Empty: for good." />
    </Deed>
  );
}
