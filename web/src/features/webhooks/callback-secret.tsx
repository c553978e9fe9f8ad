import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { Answer } from "@/ui/answer";
import { Button } from "@/ui/button";
import { Deed } from "@/ui/deed";
import { Section } from "@/ui/table";
import { Overlap } from "./forms";
import { callbackSecretQuery, rotateCallbackMutation } from "./queries";
import { Secret } from "./secret";

/** Signs what is sent to the address that a request brings itself. */
export function CallbackSecret({ onDone }: { onDone: (said: string) => void }) {
  const [shown, setShown] = useState(false);
  const [rotating, setRotating] = useState(false);
  const queries = useQueryClient();
  const query = useQuery({ ...callbackSecretQuery, enabled: shown });
  const rotate = useMutation({
    ...rotateCallbackMutation,
    onSuccess: (made) => {
      queries.setQueryData(callbackSecretQuery.queryKey, made);
      setRotating(false);
      setShown(true);
      onDone("The callback secret is a new one.");
    },
  });
  return (
    <Section title="Callback secret">
      <p className="max-w-prose text-sm text-muted">
        Signs what is sent to a callback_url, of whichever of your keys. It can be shown again.
      </p>
      <div className="mt-3 flex flex-wrap gap-2">
        {!shown && <Button onClick={() => setShown(true)}>Show it</Button>}
        <Button onClick={() => setRotating(true)}>Make a new one</Button>
      </div>
      {shown && (
        <Answer query={query} what="the callback secret">
          {({ secret }) => (
            <Secret title="Your callback secret" secret={secret} onClose={() => setShown(false)} />
          )}
        </Answer>
      )}
      {rotating && (
        <Deed
          title="Make a new callback secret?"
          act="Make a new secret"
          pending={rotate.isPending}
          error={rotate.error}
          onSubmit={(filled) => rotate.mutate({ overlap_seconds: Number(filled.text("overlap")) })}
          onClose={() => setRotating(false)}
        >
          <Overlap />
        </Deed>
      )}
    </Section>
  );
}
