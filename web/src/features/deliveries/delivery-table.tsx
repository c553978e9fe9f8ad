import { Link } from "@tanstack/react-router";
import { useState } from "react";
import { Button } from "@/ui/button";
import { Moment } from "@/ui/moment";
import { Badge, Table } from "@/ui/table";
import { Attempts } from "./attempts";
import type { Delivery, Named, Scope } from "./queries";
import { Resend } from "./resend";

const LOOKS = { pending: "calm", delivered: "good", failed: "bad" } as const;

/** How its last attempt ended. */
export function lastOf({ last_status, last_error, attempt_count }: Delivery): string {
  if (attempt_count === 0) return "not tried yet";
  return [last_status !== null && `status ${last_status}`, last_error].filter(Boolean).join(": ") || "–";
}

/** Where it goes: `url` says more than the API of one's own does. */
export function receiver(one: Delivery | Named, url?: string): string {
  const said = "url" in one ? one.url : url;
  return said ?? (one.endpoint_id === null ? "callback address" : one.endpoint_id.slice(0, 8));
}

export function DeliveryTable({
  caption,
  list,
  scope = "managed",
  urls,
  onDone,
}: {
  caption: string;
  list: (Delivery | Named)[];
  scope?: Scope;
  /** Of endpoints, by their ids. */
  urls?: Map<string, string>;
  onDone: (said: string) => void;
}) {
  const [open, setOpen] = useState<{ what: "attempts" | "resend"; of: Delivery } | null>(null);
  const close = () => setOpen(null);
  const named = list.some((one) => "team" in one);
  return (
    <>
      <Table
        caption={caption}
        heads={[
          "Made",
          "Event",
          "About",
          ...(named ? ["Of"] : []),
          "To",
          "State",
          "Attempts",
          "Last answer",
          "",
        ]}
      >
        {list.map((one) => (
          <tr key={one.id}>
            <td className="whitespace-nowrap">
              <Moment at={one.created_at} />
            </td>
            <td className="whitespace-nowrap">{one.type}</td>
            <td className="whitespace-nowrap">
              {one.generation_id ? <About id={one.generation_id} scope={scope} /> : "–"}
            </td>
            {named && (
              <td className="whitespace-nowrap">
                {"team" in one ? [one.team, one.member].filter(Boolean).join("/") : "–"}
              </td>
            )}
            <td className="max-w-64 min-w-44 break-all">
              {receiver(one, urls?.get(one.endpoint_id ?? ""))}
            </td>
            <td>
              <Badge look={LOOKS[one.state]}>{one.state}</Badge>
            </td>
            <td>{one.attempt_count}</td>
            <td className="min-w-40">
              {lastOf(one)}
              {one.next_attempt_at && (
                <span className="block text-xs text-muted">
                  next <Moment at={one.next_attempt_at} />
                </span>
              )}
            </td>
            <td className="text-right whitespace-nowrap">
              <Button
                look="quiet"
                aria-label={`Attempts of ${one.id}`}
                onClick={() => setOpen({ what: "attempts", of: one })}
              >
                Attempts
              </Button>
              <Button
                look="quiet"
                aria-label={`Send again ${one.id}`}
                disabled={one.state === "pending"}
                onClick={() => setOpen({ what: "resend", of: one })}
              >
                Send again
              </Button>
            </td>
          </tr>
        ))}
      </Table>
      {open?.what === "attempts" && <Attempts of={open.of} scope={scope} onClose={close} />}
      {open?.what === "resend" && (
        <Resend
          of={open.of}
          scope={scope}
          onDone={(said) => {
            close();
            onDone(said);
          }}
          onClose={close}
        />
      )}
    </>
  );
}

function About({ id, scope }: { id: string; scope: Scope }) {
  const look = "font-mono text-xs text-accent underline";
  return scope === "own" ? (
    <Link to="/videos/$id" params={{ id }} title={id} className={look}>
      {id.slice(0, 8)}
    </Link>
  ) : (
    <Link to="/desk/generations/$id" params={{ id }} title={id} className={look}>
      {id.slice(0, 8)}
    </Link>
  );
}
