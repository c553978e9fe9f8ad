import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Share2 } from "lucide-react";
import { useState } from "react";
import { instant } from "@/lib/format";
import { Answer } from "@/ui/answer";
import { Button } from "@/ui/button";
import { Copy } from "@/ui/copy";
import { CloseButton, Dialog } from "@/ui/dialog";
import { Choice } from "@/ui/field";
import { Failure } from "@/ui/notices";
import type { Generation } from "./queries";
import {
  lengths,
  type NewShare,
  revokeMutation,
  type Share as OneShare,
  shareMutation,
  sharesQuery,
} from "./share-queries";

/** Links to this video for people without a key. */
export function Share({ video }: { video: Generation }) {
  const [open, setOpen] = useState(false);
  return (
    <>
      <Button onClick={() => setOpen(true)}>
        <Share2 aria-hidden className="size-4" /> Share
      </Button>
      {open && <ShareDialog id={video.id} onClose={() => setOpen(false)} />}
    </>
  );
}

export function ShareDialog({ id, onClose }: { id: string; onClose: () => void }) {
  const queries = useQueryClient();
  const list = useQuery(sharesQuery(id));
  const [made, setMade] = useState<NewShare | null>(null);
  const again = () => queries.invalidateQueries({ queryKey: sharesQuery(id).queryKey });
  const share = useMutation({
    ...shareMutation(id),
    onSuccess: async (answer) => {
      setMade(answer);
      await again();
    },
  });
  return (
    <Dialog title="Share this video" className="w-[min(34rem,calc(100vw-2rem))]" onClose={onClose}>
      <p className="mt-1 text-sm text-muted">
        Whoever has the link can watch and save the video, and sees nothing else: not the prompt, not
        you, not what it cost.
      </p>
      <div className="mt-4 space-y-4 text-sm">
        <Answer query={list} what="links">
          {({ data, max_expires_in_seconds: most }) => (
            <>
              {most > 0 ? (
                <MakeLink most={most} pending={share.isPending} onMake={(seconds) => share.mutate(seconds)} />
              ) : (
                <p>The operators of this gateway allow no shares.</p>
              )}
              {share.error && <Failure error={share.error} />}
              {made && data.some((one) => one.id === made.id) && (
                <div role="status" className="rounded-lg border border-success bg-success-soft p-3">
                  <p className="font-medium text-success">This link is shown only now.</p>
                  <code className="mt-1 block font-mono text-xs break-all">{made.url}</code>
                  <Copy what="link" text={made.url} />
                </div>
              )}
              <Links id={id} links={data} onRevoked={again} />
            </>
          )}
        </Answer>
      </div>
      <div className="mt-5 flex justify-end">
        <CloseButton>Close</CloseButton>
      </div>
    </Dialog>
  );
}

function MakeLink({
  most,
  pending,
  onMake,
}: {
  most: number;
  pending: boolean;
  onMake: (seconds: number) => void;
}) {
  const offered = lengths(most);
  const [chosen, setChosen] = useState(offered[Math.min(1, offered.length - 1)]?.[0] ?? most);
  return (
    <div className="flex flex-wrap items-end gap-2">
      <Choice
        label="It works for"
        value={chosen}
        onChange={(event) => setChosen(Number(event.target.value))}
      >
        {offered.map(([seconds, words]) => (
          <option key={seconds} value={seconds}>
            {words}
          </option>
        ))}
      </Choice>
      <Button look="primary" disabled={pending} onClick={() => onMake(chosen)}>
        {pending ? "Waiting for the answer …" : "Make a link"}
      </Button>
    </div>
  );
}

function Links({
  id,
  links,
  onRevoked,
}: {
  id: string;
  links: OneShare[];
  onRevoked: () => Promise<void>;
}) {
  const revoke = useMutation({ ...revokeMutation(id), onSettled: onRevoked });
  if (links.length === 0) return <p className="text-muted">No link works at the moment.</p>;
  return (
    <section>
      <h3 className="font-medium">Links that work</h3>
      {revoke.error && <Failure error={revoke.error} />}
      <ul className="mt-1 max-h-56 divide-y divide-border overflow-y-auto rounded-lg border border-border px-3">
        {links.map((link) => (
          <li key={link.id} className="flex items-center justify-between gap-3 py-1.5">
            <span>
              until{" "}
              <time dateTime={link.expires_at} title={link.expires_at}>
                {instant(link.expires_at)}
              </time>
              <span className="block text-xs text-muted">made {instant(link.created_at)}</span>
            </span>
            <Button
              look="danger"
              aria-label={`Revoke the link until ${instant(link.expires_at)}`}
              disabled={revoke.isPending}
              onClick={() => revoke.mutate(link.id)}
            >
              Revoke
            </Button>
          </li>
        ))}
      </ul>
    </section>
  );
}
