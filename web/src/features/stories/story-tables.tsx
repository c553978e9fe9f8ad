import type { ReactNode } from "react";
import type { Schemas } from "@/api/client";
import { detailOf } from "@/lib/detail";
import { bytes, credits, seconds } from "@/lib/format";
import { Moment } from "@/ui/moment";
import { StateBadge } from "@/ui/state-badge";
import { Table } from "@/ui/table";

/** `children`: what a part says that has nothing to show. */
function Nothing({ children }: { children: ReactNode }) {
  return <p className="text-sm text-muted">{children}</p>;
}

export function Submissions({
  list,
  operates,
}: {
  list: Schemas["Submission"][];
  operates: boolean;
}) {
  if (list.length === 0) return <Nothing>It was not sent, or that is too long ago.</Nothing>;
  return (
    <Table
      caption="Tries upstream, oldest first"
      heads={["Began", "Took", "Led to", "Why", ...(operates ? ["Upstream key"] : [])]}
    >
      {list.map((one) => (
        <tr key={one.started_at}>
          <td className="whitespace-nowrap">
            <Moment at={one.started_at} exact />
          </td>
          <td className="whitespace-nowrap">{one.ended_at ? between(one) : "goes on"}</td>
          <td>{one.ended_as ? <StateBadge state={one.ended_as} /> : "–"}</td>
          <td>{one.reason ?? "–"}</td>
          {operates && <td>{one.upstream_key ?? "–"}</td>}
        </tr>
      ))}
    </Table>
  );
}

function between({ started_at, ended_at }: Schemas["Submission"]): string {
  return seconds((Date.parse(ended_at ?? started_at) - Date.parse(started_at)) / 1000);
}

/** With its sign: what was added to a balance. */
export function change(amount: number): string {
  return amount > 0 ? `+${credits(amount)}` : credits(amount);
}

export function Ledger({ list }: { list: Schemas["LedgerEntry"][] }) {
  if (list.length === 0) return <Nothing>Nothing was entered.</Nothing>;
  return (
    <Table caption="Ledger entries, oldest first" heads={["When", "Entry", "Held", "Spent"]}>
      {list.map((one, place) => (
        <tr key={place}>
          <td className="whitespace-nowrap">
            <Moment at={one.created_at} exact />
          </td>
          <td>{one.kind}</td>
          <td>{change(one.held_credits)}</td>
          <td>{change(one.settled_credits)}</td>
        </tr>
      ))}
    </Table>
  );
}

export function Events({ list }: { list: Schemas["PastEvent"][] }) {
  if (list.length === 0) return <Nothing>That is too long ago to be kept.</Nothing>;
  return (
    <Table caption="Events, oldest first" heads={["When", "Event", "Detail"]}>
      {list.map((one, place) => (
        <tr key={place}>
          <td className="whitespace-nowrap">
            <Moment at={one.created_at} exact />
          </td>
          <td className="whitespace-nowrap">{one.type}</td>
          <td className="min-w-64 text-xs break-words text-muted">{detailOf(one.data)}</td>
        </tr>
      ))}
    </Table>
  );
}

export function Files({ list, operates }: { list: Schemas["File"][]; operates: boolean }) {
  if (list.length === 0) return <Nothing>There is no file.</Nothing>;
  return (
    <Table
      caption="Files"
      heads={[
        "File",
        "State",
        "Size",
        "As asked",
        "Attempts",
        "Archived",
        ...(operates ? ["Last error", "In the archive"] : []),
        "SHA-256",
      ]}
    >
      {list.map((one) => (
        <tr key={one.kind}>
          <td>{one.kind}</td>
          <td>{one.state.replace("_", " ")}</td>
          <td className="whitespace-nowrap">
            {one.size_bytes === null ? "–" : bytes(one.size_bytes)}
          </td>
          <td>{one.mismatch ?? (one.state === "archived" ? "yes" : "–")}</td>
          <td>{one.attempt_count}</td>
          <td className="whitespace-nowrap">
            {one.archived_at ? <Moment at={one.archived_at} /> : "–"}
          </td>
          {operates && (
            <>
              <td className="min-w-40">{one.last_error ?? "–"}</td>
              <td className="font-mono text-xs break-all">{one.path ?? "–"}</td>
            </>
          )}
          <td className="font-mono text-xs break-all">{one.sha256 ?? "–"}</td>
        </tr>
      ))}
    </Table>
  );
}

export function Inputs({ list }: { list: Schemas["InputUse"][] }) {
  return (
    <Table caption="Images it is made of" heads={["Field", "Input", "Picture", "Type", "Size", "SHA-256"]}>
      {list.map((one) => (
        <tr key={one.field + one.input_id}>
          <td>{one.field}</td>
          <td className="font-mono text-xs">{one.input_id}</td>
          <td className="whitespace-nowrap">
            {one.width} × {one.height}
          </td>
          <td>{one.content_type}</td>
          <td className="whitespace-nowrap">{bytes(one.size_bytes)}</td>
          <td className="font-mono text-xs break-all">{one.sha256}</td>
        </tr>
      ))}
    </Table>
  );
}

export function ByHand({ list }: { list: Schemas["DeedDocument"][] }) {
  if (list.length === 0) return <Nothing>Nobody did anything with it.</Nothing>;
  return (
    <Table caption="Done by hand, newest first" heads={["When", "Who", "Did", "Detail"]}>
      {list.map((one, place) => (
        <tr key={place}>
          <td className="whitespace-nowrap">
            <Moment at={one.created_at} exact />
          </td>
          <td>{one.actor}</td>
          <td className="whitespace-nowrap">{one.action}</td>
          <td className="min-w-64 text-xs break-words text-muted">{detailOf(one.detail)}</td>
        </tr>
      ))}
    </Table>
  );
}
