import { useInfiniteQuery } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { credits } from "@/lib/format";
import { Answer, More } from "@/ui/answer";
import { Button } from "@/ui/button";
import { Moment } from "@/ui/moment";
import { Empty } from "@/ui/notices";
import { Section, Table } from "@/ui/table";
import { CloseMonth } from "./close-month";
import { type Statement, statementsQuery } from "./queries";
import { type MoneySearch, moneySearch } from "./search";
import { StatementOf } from "./statement";
import { TeamChoice } from "./team-choice";

/** What a team spent in each month, for good. */
export function Statements({ search, operates }: { search: MoneySearch; operates: boolean }) {
  const navigate = useNavigate({ from: "/desk/money" });
  const { team, month } = search;
  return (
    <>
      {operates && (
        <TeamChoice
          value={team}
          none="choose one"
          onChange={(chosen) =>
            void navigate({ search: moneySearch({ view: "statements", team: chosen }) })
          }
        />
      )}
      {!team ? (
        <div className="mt-4">
          <Empty title="Of which team?">Each team has its own months, in its time zone.</Empty>
        </div>
      ) : month ? (
        <StatementOf team={team} month={month} search={search} />
      ) : (
        <List team={team} operates={operates} />
      )}
    </>
  );
}

function List({ team, operates }: { team: string; operates: boolean }) {
  const list = useInfiniteQuery(statementsQuery(team));
  const [closing, setClosing] = useState(false);
  const [said, setSaid] = useState("");
  return (
    <Section
      title="Statements"
      aside={operates && <Button onClick={() => setClosing(true)}>Close a month</Button>}
    >
      <p role="status" className="mb-2 text-sm text-success">
        {said}
      </p>
      <Answer query={list} what="the statements">
        {({ pages }) => {
          const statements = pages.flatMap((page) => page.data);
          return statements.length === 0 ? (
            <Empty title="No month is closed">
              A statement never changes. Months are closed one after the other, once they have ended.
            </Empty>
          ) : (
            <>
              <StatementTable statements={statements} />
              <More list={list} />
            </>
          );
        }}
      </Answer>
      {closing && (
        <CloseMonth
          team={team}
          onDone={(now) => {
            setSaid(now);
            setClosing(false);
          }}
          onClose={() => setClosing(false)}
        />
      )}
    </Section>
  );
}

function StatementTable({ statements }: { statements: Statement[] }) {
  return (
    <Table
      caption="Statements"
      heads={["Month", "Credits", "Of earlier months", "Lines", "Unknown, held", "Open, held", "Closed", "By"]}
    >
      {statements.map((one) => (
        <tr key={one.id}>
          <th scope="row" className="font-medium">
            <Link
              from="/desk/money"
              search={(before) => ({ ...before, month: one.month })}
              className="text-accent underline"
            >
              {one.month}
            </Link>
          </th>
          <td>{credits(one.credits)}</td>
          <td>{credits(one.earlier_credits)}</td>
          <td>{credits(one.lines)}</td>
          <td>{credits(one.unknown_credits)}</td>
          <td>{credits(one.open_credits)}</td>
          <td className="whitespace-nowrap">
            <Moment at={one.closed_at} />
          </td>
          <td>{one.actor}</td>
        </tr>
      ))}
    </Table>
  );
}
