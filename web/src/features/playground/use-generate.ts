import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import type { Me } from "@/api/me";
import { generationQuery } from "@/features/gallery/queries";
import { createMutation, type Body } from "./queries";
import { SentRequests } from "./sent";

const ENDED = ["succeeded", "failed", "canceled"];

/** Sends what the form says, and never by accident twice. */
export function useGenerate(me: Me, body: Body) {
  const queries = useQueryClient();
  const [sent] = useState(() => new SentRequests(me.member_id, sessionStorage));
  const [run, setRun] = useState(() => sent.find(body)?.id ?? null);
  const create = useMutation(createMutation);
  const id = sent.find(body)?.id ?? "";
  const same = useQuery({ ...generationQuery(id), enabled: id !== "" });
  const ended = same.data !== undefined && ENDED.includes(same.data.state);

  function send() {
    if (create.isPending) return;
    const once = sent.onceOf(body);
    sent.sending(body, once);
    create.mutate(
      { body, once },
      {
        onSuccess: (made) => {
          sent.became(body, once, made.id);
          queries.setQueryData(generationQuery(made.id).queryKey, made);
          void queries.invalidateQueries({ queryKey: ["generations"] });
          setRun(made.id);
        },
      },
    );
  }

  return {
    /** The generation that is shown. */
    run,
    /** The same request is on its way, as far as anybody knows. */
    running: id !== "" && !ended && !same.error,
    /** Nobody knows yet whether the same request was made. */
    unknown: same.data?.state === "unknown",
    pending: create.isPending,
    /** Of the request that was sent last, if the form still says the same. */
    error: create.variables?.body === body ? create.error : null,
    generate: () => {
      if (ended || same.error) sent.again(body);
      send();
    },
    generateAnyway: () => {
      sent.again(body);
      send();
    },
  };
}
