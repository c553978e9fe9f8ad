import { useQuery, useSuspenseQuery } from "@tanstack/react-query";
import { useState } from "react";
import { meQuery } from "@/api/me";
import { credits } from "@/lib/format";
import { Answer } from "@/ui/answer";
import { Empty } from "@/ui/notices";
import { KeyCard } from "./key-card";
import { Test, Turn } from "./key-forms";
import { keysQuery, type UpstreamKey } from "./queries";

/** As the key was when the form was opened: a form never turns into another. */
type Open = { deed: "test" | "turn"; of: UpstreamKey } | null;

/** The accounts behind the gateway: whether they are used, and how long they last. */
export function UpstreamPage() {
  const { data: me } = useSuspenseQuery(meQuery);
  return (
    <>
      <h1 className="text-xl font-semibold">Upstream</h1>
      {me.operates ? (
        <Keys />
      ) : (
        <div className="mt-4">
          <Empty title="The upstream is for operators">
            Its accounts pay for all teams. What yours has left is under Usage.
          </Empty>
        </div>
      )}
    </>
  );
}

function Keys() {
  const query = useQuery(keysQuery);
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
      <Answer query={query} what="the upstream keys">
        {({ data, reserve_credits }) => (
          <>
            <p className="mt-2 text-sm text-muted">
              {reserve_credits === null
                ? "No reserve is kept: keys are used until 1min.ai refuses them."
                : `A reserve of ${credits(reserve_credits)} credits is left in each account.`}
            </p>
            <Cards keys={data} reserve={reserve_credits} onOpen={setOpen} />
          </>
        )}
      </Answer>
      {open?.deed === "test" && <Test of={open.of} onDone={done} onClose={close} />}
      {open?.deed === "turn" && <Turn of={open.of} onDone={done} onClose={close} />}
    </>
  );
}

function Cards({
  keys,
  reserve,
  onOpen,
}: {
  keys: UpstreamKey[];
  reserve: number | null;
  onOpen: (open: Open) => void;
}) {
  if (keys.length === 0)
    return (
      <div className="mt-4">
        <Empty title="No worker has an upstream key">
          Keys are configured where workers run, in ONEMIN_API_KEY, and are listed here within a
          minute. Without one, what is accepted waits in the queue.
        </Empty>
      </div>
    );
  return (
    <ul className="mt-4 space-y-4">
      {keys.map((key) => (
        <KeyCard
          key={key.label}
          of={key}
          reserve={reserve}
          onTest={() => onOpen({ deed: "test", of: key })}
          onTurn={() => onOpen({ deed: "turn", of: key })}
        />
      ))}
    </ul>
  );
}
