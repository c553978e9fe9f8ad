import { type ReactNode, useState } from "react";
import { credits } from "@/lib/format";
import { Button } from "@/ui/button";
import { Moment } from "@/ui/moment";
import { Badge } from "@/ui/table";
import { Gauge } from "./gauge";
import type { UpstreamKey } from "./queries";
import { breakerOf, creditsLookOf, LOOKS, testOf, turnOf, whyOf } from "./words";
import { Watermarks } from "./watermarks";

/** All that is known of one upstream key. */
export function KeyCard({
  of,
  reserve,
  onTest,
  onTurn,
}: {
  of: UpstreamKey;
  reserve: number | null;
  onTest: () => void;
  onTurn: () => void;
}) {
  const [history, setHistory] = useState(false);
  const { act, danger } = turnOf(of);
  return (
    <li className="rounded-lg border border-border p-4 text-sm">
      <div className="flex flex-wrap items-center gap-x-3 gap-y-2">
        <h2 className="font-semibold break-all">{of.label}</h2>
        <span className="font-mono text-xs text-muted">
          <span className="sr-only">Fingerprint </span>
          {of.fingerprint}
        </span>
        <Badge look={LOOKS[of.state]}>{of.state.replace("_", " ")}</Badge>
        <span className="flex grow flex-wrap justify-end gap-2">
          <Button aria-label={`Test ${of.label}`} onClick={onTest}>
            Test
          </Button>
          <Button
            look={danger ? "danger" : "primary"}
            aria-label={`${act} ${of.label}`}
            onClick={onTurn}
          >
            {act}
          </Button>
        </span>
      </div>
      <Why of={of} />
      <Facts of={of} reserve={reserve} />
      <Button
        look="quiet"
        className="mt-3 -ml-3"
        aria-expanded={history}
        onClick={() => setHistory(!history)}
      >
        {history ? "Hide" : "Show"} how the account of {of.label} changed
      </Button>
      {history && <Watermarks label={of.label} />}
    </li>
  );
}

function Why({ of }: { of: UpstreamKey }) {
  const why = whyOf(of);
  if (of.state === "active" && !why) return null;
  return (
    <p className="mt-2">
      {why}
      {of.set_aside_at && (
        <>
          {why && ", "}since <Moment at={of.set_aside_at} />
        </>
      )}
      {of.return_at && (
        <>
          , until <Moment at={of.return_at} />
        </>
      )}
    </p>
  );
}

function Facts({ of, reserve }: { of: UpstreamKey; reserve: number | null }) {
  const mark = of.watermark;
  return (
    <dl className="mt-4 grid gap-x-6 gap-y-4 sm:grid-cols-2 lg:grid-cols-4">
      <Fact name="Requests this minute">
        <Gauge
          label={`Requests of ${of.label} this minute`}
          value={of.minute.used}
          most={of.minute.limit}
          said={`${of.minute.used} of ${of.minute.limit}`}
        />
      </Fact>
      <Fact name="Credits left">
        {mark ? (
          <>
            <span className="text-lg font-semibold">{credits(mark.remaining_credits)}</span>{" "}
            {creditsLookOf(of, reserve) && (
              <Badge look="warning">{creditsLookOf(of, reserve)}</Badge>
            )}
            <span className="block text-xs text-muted">
              {mark.remaining_money &&
                `${mark.remaining_money.amount} ${mark.remaining_money.currency} · `}
              surely, as of <Moment at={mark.observed_at} />
            </span>
          </>
        ) : (
          "not known: no answer had its figures yet"
        )}
      </Fact>
      <Fact name="Lasts for">
        {mark?.days_left != null ? (
          <>
            <span className="text-lg font-semibold">{mark.days_left.toFixed(1)} days</span>
            <span className="block text-xs text-muted">
              at {credits(mark.credits_per_day ?? 0)} a day, as in the last seven
            </span>
          </>
        ) : (
          "not known: less than a day of spending is known"
        )}
      </Fact>
      <Fact name="Unexplained, last day">
        {mark ? (
          mark.unexplained_credits > 0 ? (
            <Badge look="bad">{credits(mark.unexplained_credits)} credits</Badge>
          ) : (
            "none"
          )
        ) : (
          "not known"
        )}
      </Fact>
      <Fact name="In progress or unknown">{credits(of.open_generations)}</Fact>
      <Fact name="Breaker">
        {breakerOf(of)}
        {of.breaker_until && (
          <span className="block text-xs text-muted">
            asked again <Moment at={of.breaker_until} />
          </span>
        )}
      </Fact>
      <Fact name="Submissions without an answer, in a row">{of.breaker_failures}</Fact>
      <Fact name="Last test">
        {testOf(of)}
        {of.test?.tested_at && (
          <span className="block text-xs text-muted">
            <Moment at={of.test.tested_at} />
          </span>
        )}
      </Fact>
    </dl>
  );
}

function Fact({ name, children }: { name: string; children: ReactNode }) {
  return (
    <div className="min-w-0">
      <dt className="text-xs text-muted">{name}</dt>
      <dd className="mt-0.5 break-words">{children}</dd>
    </div>
  );
}
