import { Link } from "@tanstack/react-router";
import type { ReactNode } from "react";
import type { Schemas } from "@/api/client";

type Overview = Schemas["Overview"];

/** An account with less than this is to be topped up. */
const FEW_DAYS = 3;

interface Need {
  /** What stands out, and what it means. */
  what: string;
  said: string;
  link: { to: "/desk/controls" | "/desk/unknowns" | "/desk/sign-ins" | "/desk/teams"; word: string };
}

function many(count: number, one: string, more: string): string {
  return count === 1 ? `1 ${one}` : `${count} ${more}`;
}

/** Only what somebody has to do something about. Pure. */
export function needsOf({ pauses, in_flight, waiting, upstream }: Overview): Need[] {
  const found: Need[] = [];
  for (const { name, paused, reason } of pauses ?? [])
    if (paused)
      found.push({
        what: `The ${name} is paused`,
        said: reason ?? "for no reason that was given",
        link: { to: "/desk/controls", word: "To the controls" },
      });
  if (upstream && upstream.usable_keys === 0)
    found.push({
      what: "No upstream key can be used",
      said: "nothing is sent until one can",
      link: { to: "/desk/controls", word: "To the controls" },
    });
  if (upstream && upstream.days_left !== null && upstream.days_left < FEW_DAYS)
    found.push({
      what: `Credits for ${upstream.days_left.toFixed(1)} days are left`,
      said: "an upstream account is used up then, at its pace",
      link: { to: "/desk/controls", word: "To the upstream keys" },
    });
  if (in_flight.unknown.count > 0)
    found.push({
      what: `${in_flight.unknown.count} with an unknown outcome`,
      said: "credits are held until somebody looks",
      link: { to: "/desk/unknowns", word: "To the unknowns" },
    });
  if (waiting.sign_in_requests)
    found.push({
      what: many(waiting.sign_in_requests, "person waits", "people wait") + " to be let in",
      said: "they signed in, and belong to no team",
      link: { to: "/desk/sign-ins", word: "To those who wait" },
    });
  if (waiting.credit_requests > 0)
    found.push({
      what: many(waiting.credit_requests, "request", "requests") + " for credits",
      said: "to grant or to refuse",
      link: { to: "/desk/teams", word: "To the requests" },
    });
  return found;
}

export function Needs({ of }: { of: Overview }) {
  const { waiting, archive } = of;
  const unsafe = archive.set_aside.count + archive.lost.count;
  const silent = waiting.disabled_endpoints + waiting.failing_endpoints;
  const needs = needsOf(of);
  if (needs.length + unsafe + silent === 0) return null;
  return (
    <ul aria-label="What needs a person" className="mt-4 space-y-2">
      {needs.map(({ what, said, link }) => (
        <Line key={what}>
          <strong>{what}</strong>: {said}.{" "}
          <Link to={link.to} className="underline">
            {link.word}
          </Link>
        </Line>
      ))}
      {unsafe > 0 && (
        <Line>
          <strong>{many(unsafe, "video is", "videos are")} set aside or lost</strong>: made and paid,
          and not in the archive.
        </Line>
      )}
      {silent > 0 && (
        <Line>
          <strong>{many(silent, "receiver does", "receivers do")} not answer</strong>: webhooks to
          them fail.{" "}
          <Link
            to="/desk/deliveries"
            search={waiting.failing_endpoints === 0 ? { off: true } : {}}
            className="underline"
          >
            To the endpoints
          </Link>
        </Line>
      )}
    </ul>
  );
}

function Line({ children }: { children: ReactNode }) {
  return <li className="rounded-lg bg-warning-soft px-4 py-3 text-sm text-warning">{children}</li>;
}
