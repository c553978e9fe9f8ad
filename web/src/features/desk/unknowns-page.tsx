import { useInfiniteQuery, useSuspenseQuery } from "@tanstack/react-query";
import { useState } from "react";
import type { Schemas } from "@/api/client";
import { meQuery } from "@/api/me";
import { Answer, More } from "@/ui/answer";
import { Button } from "@/ui/button";
import { Empty } from "@/ui/notices";
import { unknownsQuery } from "./queries";
import { type Answered, MOST, ResolveMany } from "./resolve-many";
import { UnknownCard } from "./unknown-card";

type Unknown = Schemas["Unknown"];

/** Videos that nobody knows to be made and paid. Each keeps its credits until a person has looked. */
export function UnknownsPage() {
  const { data: me } = useSuspenseQuery(meQuery);
  const list = useInfiniteQuery(unknownsQuery);
  const [said, setSaid] = useState("");
  const [answers, setAnswers] = useState<Answered[]>([]);
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
  const [resolving, setResolving] = useState<Unknown[] | null>(null);
  return (
    <>
      <h1 className="text-xl font-semibold">Unknowns</h1>
      <p className="mt-1 max-w-prose text-sm text-muted">
        Their requests went out, and nobody can know whether the upstream made and charged them.
        None is sent again by itself.
        {!me.operates && " Operators resolve them: they see the account that pays."}
      </p>
      <p role="status" className="mt-2 text-sm text-success">
        {said}
      </p>
      <Answers list={answers} />
      <div className="mt-4 space-y-4">
        <Answer query={list} what="what is unknown">
          {({ pages }) => {
            const unknowns = pages.flatMap((page) => page.data);
            const picked = unknowns.filter((one) => chosen.has(one.id));
            return unknowns.length === 0 ? (
              <Empty title="Nothing is unknown">All that was sent has an outcome.</Empty>
            ) : (
              <>
                {me.operates && (
                  <Bar
                    count={picked.length}
                    onAll={() => setChosen(new Set(unknowns.slice(0, MOST).map((one) => one.id)))}
                    onNone={() => setChosen(new Set())}
                    onResolve={() => setResolving(picked.slice(0, MOST))}
                  />
                )}
                <ul className="space-y-4">
                  {unknowns.map((one) => (
                    <li key={one.id}>
                      <UnknownCard
                        of={one}
                        operates={me.operates}
                        chosen={chosen.has(one.id)}
                        onChoose={(yes) => {
                          const next = new Set(chosen);
                          if (yes) next.add(one.id);
                          else next.delete(one.id);
                          setChosen(next);
                        }}
                        onDone={(done) => {
                          setAnswers([]);
                          setSaid(done);
                        }}
                      />
                    </li>
                  ))}
                </ul>
                <More list={list} />
              </>
            );
          }}
        </Answer>
      </div>
      {resolving && (
        <ResolveMany
          chosen={resolving}
          onDone={(found, moved) => {
            const resolved = found.filter((one) => one.state !== null).length;
            setResolving(null);
            setChosen(new Set());
            setAnswers(found);
            setSaid(`${resolved} of ${found.length} are resolved: ${moved}.`);
          }}
          onClose={() => setResolving(null)}
        />
      )}
    </>
  );
}

function Bar({
  count,
  onAll,
  onNone,
  onResolve,
}: {
  count: number;
  onAll: () => void;
  onNone: () => void;
  onResolve: () => void;
}) {
  return (
    <div className="flex flex-wrap items-center gap-2">
      <Button onClick={onAll}>Choose all that are shown</Button>
      {count > 0 && <Button onClick={onNone}>Choose none</Button>}
      <Button look="primary" disabled={count < 2} onClick={onResolve}>
        Resolve {count > 1 ? `the ${count} chosen` : "several"}
      </Button>
      {count > MOST && <span className="text-sm text-muted">The first {MOST} at once.</span>}
    </div>
  );
}

/** What became of each that was resolved with others. */
function Answers({ list }: { list: Answered[] }) {
  if (list.length === 0) return null;
  return (
    <ul aria-label="What became of each" className="mt-2 space-y-1 text-sm">
      {list.map(({ of, state, refusal }) => (
        <li key={of.id} className={refusal ? "text-danger" : "text-muted"}>
          {of.team}/{of.member}, {of.spec.prompt ?? of.feature}:{" "}
          {state ?? `not resolved. ${refusal ?? ""}`}
        </li>
      ))}
    </ul>
  );
}
