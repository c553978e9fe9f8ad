import { useInfiniteQuery } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { credits } from "@/lib/format";
import { Answer, More } from "@/ui/answer";
import { Button } from "@/ui/button";
import { Choice } from "@/ui/field";
import { Moment } from "@/ui/moment";
import { Empty } from "@/ui/notices";
import { Badge, Section, Table } from "@/ui/table";
import { SetPrice, Withdraw } from "./price-forms";
import { type Price, pricesQuery } from "./queries";
import { type MoneySearch, moneySearch, PRICE_STATES } from "./search";
import { Unpriced } from "./unpriced";
import { matchOf } from "./words";

const LOOKS = { current: "good", upcoming: "warning", past: "calm", withdrawn: "calm" } as const;

type Open = { deed: "set" } | { deed: "withdraw"; of: Price } | null;

/** What operators set, with its dates, and what has no price. */
export function Prices({ search }: { search: MoneySearch }) {
  const navigate = useNavigate({ from: "/desk/money" });
  const list = useInfiniteQuery(pricesQuery(search.state));
  const [open, setOpen] = useState<Open>(null);
  const [said, setSaid] = useState("");
  const close = () => setOpen(null);
  function done(now: string) {
    setSaid(now);
    close();
  }
  return (
    <>
      <p role="status" className="mt-2 text-sm text-success">
        {said}
      </p>
      <Section
        title="Prices that were set"
        aside={
          <div className="flex flex-wrap items-end gap-3">
            <Choice
              label="State"
              value={search.state ?? ""}
              onChange={(event) =>
                void navigate({
                  search: (now) => moneySearch({ ...now, state: event.target.value }),
                  replace: true,
                })
              }
            >
              <option value="">all</option>
              {PRICE_STATES.map((state) => (
                <option key={state}>{state}</option>
              ))}
            </Choice>
            <Button look="primary" onClick={() => setOpen({ deed: "set" })}>
              Set a price
            </Button>
          </div>
        }
      >
        <p className="mb-3 text-sm text-muted">
          They go before the price file. Of several that match, the one with the most options
          counts. What was accepted before keeps its price. The{" "}
          <Link to="/desk/catalogue" className="text-accent underline">
            catalogue
          </Link>{" "}
          has what each model costs now.
        </p>
        <Answer query={list} what="the prices">
          {({ pages }) => {
            const prices = pages.flatMap((page) => page.data);
            return prices.length === 0 ? (
              <Empty title="No price was set">The price file counts.</Empty>
            ) : (
              <>
                <PriceTable
                  prices={prices}
                  onWithdraw={(of) => setOpen({ deed: "withdraw", of })}
                />
                <More list={list} />
              </>
            );
          }}
        </Answer>
      </Section>
      <Unpriced />
      {open?.deed === "set" && <SetPrice onDone={done} onClose={close} />}
      {open?.deed === "withdraw" && <Withdraw of={open.of} onDone={done} onClose={close} />}
    </>
  );
}

export function PriceTable({
  prices,
  onWithdraw,
}: {
  prices: Price[];
  onWithdraw: (of: Price) => void;
}) {
  return (
    <Table
      caption="Prices that were set"
      heads={["Of", "Credits", "State", "From", "Until", "Why", "By", ""]}
    >
      {prices.map((price) => (
        <tr key={price.id}>
          <th scope="row" className="min-w-40 font-medium">
            {matchOf(price.match)}
          </th>
          <td>{price.credits === null ? "ends the one before" : credits(price.credits)}</td>
          <td>
            <Badge look={LOOKS[price.state]}>{price.state}</Badge>
          </td>
          <td className="whitespace-nowrap">
            <Moment at={price.effective_at} />
          </td>
          <td className="whitespace-nowrap">
            {price.ended_at ? <Moment at={price.ended_at} /> : "–"}
          </td>
          <td className="min-w-40 break-words">
            {price.reason}
            {price.withdrawal && ` · withdrawn by ${price.withdrawal.actor}: ${price.withdrawal.reason}`}
          </td>
          <td>{price.actor}</td>
          <td className="text-right">
            {price.state === "upcoming" && (
              <Button
                look="quiet"
                className="text-danger"
                aria-label={`Withdraw the price of ${matchOf(price.match)}`}
                onClick={() => onWithdraw(price)}
              >
                Withdraw
              </Button>
            )}
          </td>
        </tr>
      ))}
    </Table>
  );
}
