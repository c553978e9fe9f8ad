import { useMutation, useQueryClient, useSuspenseQuery } from "@tanstack/react-query";
import { useState } from "react";
import type { Schemas } from "@/api/client";
import { meQuery } from "@/api/me";
import { DELIVERIES } from "@/features/deliveries/queries";
import { onceKey } from "@/lib/once";
import { Deed, type Filled } from "@/ui/deed";
import { Choice, Field } from "@/ui/field";
import {
  changeMutation,
  createMutation,
  deleteMutation,
  type Endpoint,
  type EndpointWithSecret,
  rotateMutation,
} from "./queries";

type Event = Schemas["WebhookEvent"];

/** The events there are, and what each tells. Every one has to be here. */
export const EVENTS: Record<Event, string> = {
  "video.completed": "a video is ready",
  "video.failed": "a video failed",
  "video.canceled": "a video was canceled",
  "video.archived": "a video is in the archive",
  "budget.threshold": "credits are nearly used up",
  "credit_request.opened": "somebody asks for credits",
  "credit_request.granted": "credits were granted",
  "credit_request.refused": "credits were refused",
  "credit_request.withdrawn": "a request for credits was withdrawn",
};
const ENDS: Event[] = ["video.completed", "video.failed", "video.canceled"];

interface Form<T> {
  onDone: (done: T) => void;
  onClose: () => void;
}

function useChanged() {
  const queries = useQueryClient();
  return () => queries.invalidateQueries({ queryKey: DELIVERIES });
}

/** What the form says of an endpoint, new or changed. */
export function described(filled: Filled) {
  return {
    url: filled.text("url"),
    event_types: filled.all("event_types") as Event[],
    format: filled.text("format") as Schemas["PayloadFormat"],
    description: filled.textOrNull("description"),
  };
}

function About({ of }: { of?: Endpoint }) {
  const events = of ? of.event_types : ENDS;
  return (
    <>
      <Field
        label="Address"
        name="url"
        type="url"
        required
        defaultValue={of?.url ?? ""}
        placeholder="https://hooks.example.com/reelgate"
        hint="https and public, unless an operator allows an internal one."
      />
      <fieldset>
        <legend className="font-medium">Tell it when</legend>
        {Object.entries(EVENTS).map(([event, meant]) => (
          <label key={event} className="mt-1 flex items-center gap-2">
            <input
              type="checkbox"
              name="event_types"
              value={event}
              defaultChecked={events.includes(event)}
            />
            <span>
              {meant} <span className="text-muted">({event})</span>
            </span>
          </label>
        ))}
      </fieldset>
      <div className="grid gap-4 sm:grid-cols-2">
        <Choice label="Format" name="format" defaultValue={of?.format ?? "reelgate"}>
          <option value="reelgate">reelgate: the whole generation</option>
          <option value="openai">openai: as OpenAI's SDKs expect</option>
        </Choice>
        <Field
          label="Note"
          name="description"
          maxLength={500}
          defaultValue={of?.description ?? ""}
          hint="For yourself."
        />
      </div>
    </>
  );
}

export function CreateEndpoint({ onDone, onClose }: Form<EndpointWithSecret>) {
  const { data: me } = useSuspenseQuery(meQuery);
  const [once] = useState(onceKey);
  const changed = useChanged();
  const create = useMutation({
    ...createMutation(once),
    onSuccess: async (made) => {
      await changed();
      onDone(made);
    },
  });
  return (
    <Deed
      title="Set up an endpoint"
      act="Set it up"
      pending={create.isPending}
      error={create.error}
      onSubmit={(filled) =>
        create.mutate({ ...described(filled), team_wide: filled.text("team_wide") === "yes" })
      }
      onClose={onClose}
    >
      <About />
      {me.manages_team && (
        <label className="flex items-center gap-2">
          <input type="checkbox" name="team_wide" value="yes" />
          Of everybody in {me.team.name}
        </label>
      )}
    </Deed>
  );
}

export function ChangeEndpoint({ of, onDone, onClose }: Form<string> & { of: Endpoint }) {
  const changed = useChanged();
  const change = useMutation({
    ...changeMutation(of.id),
    onSuccess: async ({ url }) => {
      await changed();
      onDone(`${url} is changed.`);
    },
  });
  return (
    <Deed
      title="Change this endpoint"
      act="Change it"
      pending={change.isPending}
      error={change.error}
      onSubmit={(filled) => change.mutate(described(filled))}
      onClose={onClose}
    >
      <About of={of} />
    </Deed>
  );
}

export function Overlap() {
  return (
    <Choice label="The old secret signs too, for another" name="overlap" defaultValue="86400">
      <option value="0">0 seconds: it ends now</option>
      <option value="3600">hour</option>
      <option value="86400">day</option>
      <option value="604800">week</option>
    </Choice>
  );
}

export function RotateSecret({
  of,
  onDone,
  onClose,
}: Form<EndpointWithSecret> & { of: Endpoint }) {
  const changed = useChanged();
  const rotate = useMutation({
    ...rotateMutation(of.id),
    onSuccess: async (made) => {
      await changed();
      onDone(made);
    },
  });
  return (
    <Deed
      title="Make a new secret?"
      act="Make a new secret"
      pending={rotate.isPending}
      error={rotate.error}
      onSubmit={(filled) => rotate.mutate({ overlap_seconds: Number(filled.text("overlap")) })}
      onClose={onClose}
    >
      <p className="break-all">{of.url}</p>
      <Overlap />
    </Deed>
  );
}

export function DeleteEndpoint({ of, onDone, onClose }: Form<string> & { of: Endpoint }) {
  const changed = useChanged();
  const remove = useMutation({
    ...deleteMutation(of.id),
    onSuccess: async () => {
      await changed();
      onDone(`${of.url} is deleted.`);
    },
  });
  return (
    <Deed
      title="Delete this endpoint?"
      act="Delete"
      danger
      pending={remove.isPending}
      error={remove.error}
      onSubmit={() => remove.mutate()}
      onClose={onClose}
    >
      <p className="break-all">{of.url}</p>
      <p className="text-muted">
        It goes with the log of what was sent to it, and what is still to be sent is not. It cannot
        be brought back; to pause it, disable it.
      </p>
    </Deed>
  );
}
