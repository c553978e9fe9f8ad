import { useMutation, useQueryClient } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useState } from "react";
import { Button } from "@/ui/button";
import { Deed } from "@/ui/deed";
import { Reason } from "@/ui/field";
import { Moment } from "@/ui/moment";
import { Badge, Table } from "@/ui/table";
import { DELIVERIES, type Endpoint, turnMutation } from "./queries";

const DISABLED: Record<string, string> = {
  owner: "by its owner",
  operator: "by an operator",
  gone: "it answered that it is gone",
  failing: "it failed for five days",
};

/** Whether it is used, and why not. */
export function standing({
  enabled,
  disabled_reason,
  failing_since,
}: Pick<Endpoint, "enabled" | "disabled_reason" | "failing_since">): {
  look: "good" | "warning" | "bad";
  word: string;
  why: string;
} {
  if (!enabled)
    return {
      look: "bad",
      word: "disabled",
      why: DISABLED[disabled_reason ?? ""] ?? disabled_reason ?? "",
    };
  return failing_since
    ? { look: "warning", word: "failing", why: "no delivery succeeds" }
    : { look: "good", word: "enabled", why: "" };
}

export function EndpointTable({
  list,
  onDone,
}: {
  list: Endpoint[];
  onDone: (said: string) => void;
}) {
  const [of, setOf] = useState<Endpoint | null>(null);
  return (
    <>
      <Table
        caption="Endpoints, oldest first"
        heads={["Endpoint", "Of", "Events", "State", "Why", "Failing since", ""]}
      >
        {list.map((one) => {
          const { look, word, why } = standing(one);
          return (
            <tr key={one.id}>
              <td className="min-w-48 break-all">
                {one.url}
                {one.description && <span className="block text-xs text-muted">{one.description}</span>}
              </td>
              <td className="whitespace-nowrap">
                {[one.team, one.member ?? "everybody"].join("/")}
              </td>
              <td className="min-w-40 text-xs">{one.event_types.join(", ")}</td>
              <td>
                <Badge look={look}>{word}</Badge>
              </td>
              <td>{why || "–"}</td>
              <td className="whitespace-nowrap">
                {one.failing_since ? <Moment at={one.failing_since} /> : "–"}
              </td>
              <td className="text-right whitespace-nowrap">
                <Button look="quiet" asChild>
                  <Link
                    to="/desk/deliveries"
                    search={{ team: one.team_id, endpoint: one.id }}
                    aria-label={`Deliveries to ${one.url}`}
                  >
                    Deliveries
                  </Link>
                </Button>
                <Button
                  look="quiet"
                  aria-label={`${one.enabled ? "Disable" : "Enable"} ${one.url}`}
                  onClick={() => setOf(one)}
                >
                  {one.enabled ? "Disable" : "Enable"}
                </Button>
              </td>
            </tr>
          );
        })}
      </Table>
      {of && (
        <Turn
          of={of}
          onDone={(said) => {
            setOf(null);
            onDone(said);
          }}
          onClose={() => setOf(null)}
        />
      )}
    </>
  );
}

function Turn({
  of,
  onDone,
  onClose,
}: {
  of: Endpoint;
  onDone: (said: string) => void;
  onClose: () => void;
}) {
  const queries = useQueryClient();
  const act = of.enabled ? "Disable" : "Enable";
  const turn = useMutation({
    ...turnMutation(of.id, of.enabled ? "disable" : "enable"),
    onSuccess: async ({ url, enabled }) => {
      await queries.invalidateQueries({ queryKey: DELIVERIES });
      onDone(`${url} is ${enabled ? "enabled" : "disabled"}.`);
    },
  });
  return (
    <Deed
      title={`${act} this endpoint?`}
      act={act}
      danger={of.enabled}
      pending={turn.isPending}
      error={turn.error}
      onSubmit={(filled) => turn.mutate(filled.text("reason"))}
      onClose={onClose}
    >
      <p className="break-all">{of.url}</p>
      <p className="text-muted">
        {of.enabled
          ? "Nothing is sent there any more, and what is still to be sent fails. Its owner may enable it again."
          : "It is told of what happens from now on. What failed meanwhile can be sent again below."}
      </p>
      <Reason />
    </Deed>
  );
}
