import { useInfiniteQuery, useSuspenseQuery } from "@tanstack/react-query";
import { useState } from "react";
import { meQuery } from "@/api/me";
import { Answer, More } from "@/ui/answer";
import { Empty } from "@/ui/notices";
import { unknownsQuery } from "./queries";
import { UnknownCard } from "./unknown-card";

/** Videos that nobody knows to be made and paid. Each keeps its credits until a person has looked. */
export function UnknownsPage() {
  const { data: me } = useSuspenseQuery(meQuery);
  const list = useInfiniteQuery(unknownsQuery);
  const [said, setSaid] = useState("");
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
      <div className="mt-4 space-y-4">
        <Answer query={list} what="what is unknown">
          {({ pages }) => {
            const unknowns = pages.flatMap((page) => page.data);
            return unknowns.length === 0 ? (
              <Empty title="Nothing is unknown">All that was sent has an outcome.</Empty>
            ) : (
              <>
                <ul className="space-y-4">
                  {unknowns.map((one) => (
                    <li key={one.id}>
                      <UnknownCard
                        of={one}
                        operates={me.operates}
                        onDone={setSaid}
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
    </>
  );
}
