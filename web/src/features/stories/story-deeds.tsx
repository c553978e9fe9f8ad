import { useMutation, useQueryClient } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useState } from "react";
import { credits } from "@/lib/format";
import { Button } from "@/ui/button";
import { Deed } from "@/ui/deed";
import { Field, Reason } from "@/ui/field";
import {
  acceptMutation,
  cancelMutation,
  correctMutation,
  retryMutation,
  STORIES,
  type Story,
} from "./queries";

type Name = "cancel" | "retry" | "accept" | "correct";

/** What the state of a generation, and of its video, allows. The gateway decides anyway. */
export function deedsOf({ state, files }: Story, operates: boolean): Name[] {
  const video = files.find((one) => one.kind === "video")?.state;
  const found: Name[] = [];
  if (state === "queued") found.push("cancel");
  if (video === "lost" || video === "set_aside") found.push("retry");
  if (operates && video === "set_aside") found.push("accept");
  if (operates && (state === "succeeded" || state === "failed")) found.push("correct");
  return found;
}

const LABELS: Record<Name, string> = {
  cancel: "Cancel",
  retry: "Archive again",
  accept: "Accept the file",
  correct: "Correct the cost",
};

interface Props {
  of: Story;
  onDone: (said: string) => void;
}

export function StoryDeeds({ of, operates, onDone }: Props & { operates: boolean }) {
  const [open, setOpen] = useState<Name | null>(null);
  const close = () => setOpen(null);
  const deed = {
    of,
    onDone: (said: string) => {
      close();
      onDone(said);
    },
    onClose: close,
  };
  return (
    <div className="mt-3 flex flex-wrap items-center gap-2">
      {deedsOf(of, operates).map((name) => (
        <Button key={name} onClick={() => setOpen(name)}>
          {LABELS[name]}
        </Button>
      ))}
      {of.state === "unknown" && (
        <Button asChild>
          <Link to="/desk/unknowns">{operates ? "Resolve" : "To the unknowns"}</Link>
        </Button>
      )}
      {open === "cancel" && <Cancel {...deed} />}
      {open === "retry" && <Retry {...deed} />}
      {open === "accept" && <Accept {...deed} />}
      {open === "correct" && <Correct {...deed} />}
    </div>
  );
}

type Form = Props & { onClose: () => void };

/** Whatever was done, the story and every list of stories have changed. */
function useChanged() {
  const queries = useQueryClient();
  return () => queries.invalidateQueries({ queryKey: STORIES });
}

function Cancel({ of, onDone, onClose }: Form) {
  const changed = useChanged();
  const cancel = useMutation({
    ...cancelMutation(of.id),
    onSuccess: async ({ quote_credits }) => {
      await changed();
      onDone(`Canceled: ${credits(quote_credits)} credits went back to ${of.team}/${of.member}.`);
    },
  });
  return (
    <Deed
      title="Cancel this generation?"
      act={`Cancel: ${credits(of.quote_credits)} credits go back`}
      danger
      pending={cancel.isPending}
      error={cancel.error}
      onSubmit={(filled) => cancel.mutate({ reason: filled.text("reason") })}
      onClose={onClose}
    >
      <p className="text-muted">
        It has not been sent, so it costs nothing. If it is being sent just now, it stays as it is.
      </p>
      <Reason />
    </Deed>
  );
}

function Retry({ of, onDone, onClose }: Form) {
  const changed = useChanged();
  const retry = useMutation({
    ...retryMutation(of.id),
    onSuccess: async () => {
      await changed();
      onDone("The video is being archived again. Nothing is spent.");
    },
  });
  return (
    <Deed
      title="Archive the video again?"
      act="Archive again"
      pending={retry.isPending}
      error={retry.error}
      onSubmit={(filled) => retry.mutate({ reason: filled.textOrNull("reason") })}
      onClose={onClose}
    >
      <p className="text-muted">
        The file is fetched again, with all attempts. It is not made again, and costs nothing.
      </p>
      <Reason required={false} />
    </Deed>
  );
}

function Accept({ of, onDone, onClose }: Form) {
  const changed = useChanged();
  const accept = useMutation({
    ...acceptMutation(of.id),
    onSuccess: async () => {
      await changed();
      onDone("The video is released as it is. Nothing is spent.");
    },
  });
  const path = of.files.find((one) => one.kind === "video")?.path;
  return (
    <Deed
      title="Accept the file as it is?"
      act="Release the video"
      danger
      pending={accept.isPending}
      error={accept.error}
      onSubmit={(filled) => accept.mutate({ reason: filled.textOrNull("reason") })}
      onClose={onClose}
    >
      <p className="text-muted">
        Every process that read it has ended. Look at it first, apart from everything else
        {path && <>, in the archive at <code className="font-mono break-all">{path}</code></>}. Its
        member can then download it.
      </p>
      <Reason required={false} />
    </Deed>
  );
}

/** What a correction does to the credits of the member. */
export function correction(before: number, after: number | null): string {
  if (after === null || after === before) return "no credits move";
  return after < before
    ? `${credits(before - after)} credits go back`
    : `${credits(after - before)} more credits are spent`;
}

function Correct({ of, onDone, onClose }: Form) {
  const before = of.settled_credits ?? 0;
  const [after, setAfter] = useState<number | null>(null);
  const changed = useChanged();
  const correct = useMutation({
    ...correctMutation(of.id),
    onSuccess: async ({ settled_credits }) => {
      await changed();
      onDone(
        `Corrected: it has cost ${credits(settled_credits)} credits, ${correction(before, settled_credits)}.`,
      );
    },
  });
  return (
    <Deed
      title="Correct the cost"
      act={`Correct: ${correction(before, after)}`}
      danger
      pending={correct.isPending}
      error={correct.error}
      onSubmit={(filled) =>
        correct.mutate({ settled_credits: after ?? 0, reason: filled.text("reason") })
      }
      onClose={onClose}
    >
      <p className="text-muted">
        It has cost {credits(before)} of {credits(of.quote_credits)} credits. The correction counts
        in the period in which it was asked for, for {of.team}/{of.member}, the team and the key.
      </p>
      <Field
        label="Credits in all"
        name="settled_credits"
        type="number"
        required
        min={0}
        max={of.quote_credits}
        hint={`From 0, which takes everything back, to ${credits(of.quote_credits)}.`}
        onChange={(event) => setAfter(event.target.value === "" ? null : event.target.valueAsNumber)}
      />
      <Reason hint="For the ledger and the audit log." />
    </Deed>
  );
}
