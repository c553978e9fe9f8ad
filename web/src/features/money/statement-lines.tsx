import { useInfiniteQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import type { Schemas } from "@/api/client";
import { credits } from "@/lib/format";
import { Answer, More } from "@/ui/answer";
import { Copy } from "@/ui/copy";
import { Choice, Field } from "@/ui/field";
import { Empty } from "@/ui/notices";
import { Badge, Section, Table } from "@/ui/table";
import { linesQuery, totalsQuery } from "./queries";
import { KINDS, type MoneySearch, moneySearch, TOTALS } from "./search";

const SAID: Record<Schemas["StatementLine"]["kind"], string> = {
  settle: "cost",
  correct: "correction",
  unknown: "unknown, held",
  open: "not ended, held",
};

function useChange() {
  const navigate = useNavigate({ from: "/desk/money" });
  return (changed: Record<string, unknown>) =>
    void navigate({ search: (now) => moneySearch({ ...now, ...changed }), replace: true });
}

export function Totals({
  team,
  month,
  search,
}: {
  team: string;
  month: string;
  search: MoneySearch;
}) {
  const change = useChange();
  const by = search.totals ?? "member";
  const list = useInfiniteQuery(totalsQuery(team, month, by, search.tag));
  return (
    <Section
      title="Totals"
      aside={
        <div className="flex flex-wrap gap-3">
          <Choice label="By" value={by} onChange={(event) => change({ totals: event.target.value })}>
            {TOTALS.map((one) => (
              <option key={one}>{one}</option>
            ))}
          </Choice>
          {by === "tag" && (
            <Field
              label="Tag"
              placeholder="cost_centre"
              defaultValue={search.tag ?? ""}
              onBlur={(event) => change({ tag: event.target.value })}
            />
          )}
        </div>
      }
    >
      {by === "tag" && !search.tag ? (
        <Empty title="Which tag?">Say the name of a tag, as requests have it in metadata.</Empty>
      ) : (
        <Answer query={list} what="the totals">
          {({ pages }) => {
            const totals = pages.flatMap((page) => page.data);
            return totals.length === 0 ? (
              <Empty title="The statement has no line" />
            ) : (
              <>
                <Table caption={`Totals by ${by}`} heads={[by, "Lines", "Credits", "Held"]}>
                  {totals.map((one) => (
                    <tr key={one.id ?? one.value}>
                      <th scope="row" className="font-medium">
                        {one.value ?? "none"}
                      </th>
                      <td>{credits(one.lines)}</td>
                      <td>{credits(one.credits)}</td>
                      <td>{credits(one.held_credits)}</td>
                    </tr>
                  ))}
                </Table>
                <More list={list} />
              </>
            );
          }}
        </Answer>
      )}
    </Section>
  );
}

export function Lines({
  team,
  month,
  kind,
}: {
  team: string;
  month: string;
  kind: MoneySearch["kind"];
}) {
  const change = useChange();
  const list = useInfiniteQuery(linesQuery(team, month, kind));
  return (
    <Section
      title="Lines"
      aside={
        <Choice
          label="Kind"
          value={kind ?? ""}
          onChange={(event) => change({ kind: event.target.value })}
        >
          <option value="">all</option>
          {KINDS.map((one) => (
            <option key={one} value={one}>
              {SAID[one]}
            </option>
          ))}
        </Choice>
      }
    >
      <Answer query={list} what="the lines">
        {({ pages }) => {
          const lines = pages.flatMap((page) => page.data);
          return lines.length === 0 ? (
            <Empty title="No line is of this kind" />
          ) : (
            <>
              <LineTable lines={lines} month={month} />
              <More list={list} />
            </>
          );
        }}
      </Answer>
    </Section>
  );
}

export function LineTable({ lines, month }: { lines: Schemas["StatementLine"][]; month: string }) {
  return (
    <Table
      caption="Lines of the statement"
      heads={["Day", "Kind", "Credits", "Held", "Member", "Key", "Model", "Tags", "Video"]}
    >
      {lines.map((line, place) => (
        // Lines never change their places, and two corrections may be the same.
        <tr key={`${place} ${line.generation_id}`}>
          <td className="whitespace-nowrap">
            {line.day} {line.month !== month && <Badge look="calm">of {line.month}</Badge>}
          </td>
          <td>
            <Badge look={line.kind === "settle" ? "calm" : "warning"}>{SAID[line.kind]}</Badge>
          </td>
          <td>{credits(line.credits)}</td>
          <td>{credits(line.held_credits)}</td>
          <td>{line.member}</td>
          <td className="whitespace-nowrap">
            {line.key} <span className="font-mono text-xs text-muted">{line.key_prefix}…</span>
          </td>
          <td className="whitespace-nowrap">{line.model}</td>
          <td className="max-w-56 break-words text-xs">
            {Object.entries(line.tags)
              .map(([name, value]) => `${name}: ${value}`)
              .join(" · ")}
          </td>
          <td className="whitespace-nowrap">
            <Copy what="id" text={line.generation_id} />
          </td>
        </tr>
      ))}
    </Table>
  );
}
