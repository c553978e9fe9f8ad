import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import type { Schemas } from "@/api/client";
import { MemberChoice, TeamChoice } from "@/features/teams/choices";
import { TEAMS } from "@/features/teams/queries";
import { Deed, type Filled } from "@/ui/deed";
import { Choice, Field, Reason } from "@/ui/field";
import { acceptMutation, type Person, refuseMutation } from "./sign-in-queries";

interface Form {
  of: Person;
  onDone: (said: string) => void;
  onClose: () => void;
}

/** What an acceptance says: an existing member, or what a new one is called and may. */
export function acceptance(team: string, existing: boolean, filled: Filled): Schemas["Acceptance"] {
  return {
    team_id: team,
    reason: filled.textOrNull("reason"),
    ...(existing
      ? { member_id: filled.text("member") }
      : { name: filled.textOrNull("name"), role: filled.text("role") as Schemas["Role"] }),
  };
}

export function AcceptPerson({ of, onDone, onClose }: Form) {
  const [team, setTeam] = useState<string>();
  const [existing, setExisting] = useState(false);
  const queries = useQueryClient();
  const accept = useMutation({
    ...acceptMutation(of.id),
    onSuccess: async ({ name, role }) => {
      await queries.invalidateQueries({ queryKey: ["generations", "desk"] });
      await queries.invalidateQueries({ queryKey: TEAMS });
      onDone(
        `${of.name} may sign in from now on, as the ${role === "ADMIN" ? "administrator" : "member"} ${name}.`,
      );
    },
  });
  return (
    <Deed
      title={`Let ${of.name} in?`}
      act="Accept"
      pending={accept.isPending}
      error={accept.error}
      onSubmit={(filled) => {
        const member = filled.text("member");
        if (team && (!existing || member)) accept.mutate(acceptance(team, existing, filled));
      }}
      onClose={onClose}
    >
      <p className="break-words text-muted">
        {of.issuer} calls this person {of.subject} for good. Ask, and compare.
      </p>
      <TeamChoice chosen={team} onChange={setTeam} none="choose one" />
      <fieldset>
        <legend className="font-medium">As</legend>
        {[false, true].map((one) => (
          <label key={String(one)} className="mt-1 flex items-center gap-2">
            <input
              type="radio"
              name="existing"
              checked={existing === one}
              onChange={() => setExisting(one)}
            />
            {one ? "a member that is there already" : "a new member"}
          </label>
        ))}
      </fieldset>
      {existing ? (
        <>
          {team && <MemberChoice key={team} team={team} chosen={undefined} none="choose one" />}
          <p className="text-warning">
            This person then has all that this member has: its videos, keys and credits.
          </p>
        </>
      ) : (
        <div className="grid gap-4 sm:grid-cols-2">
          <Field label="Name" name="name" defaultValue={of.name} maxLength={100} />
          <Choice label="Role" name="role" defaultValue="MEMBER">
            <option value="MEMBER">member</option>
            <option value="ADMIN">administrator of the team</option>
          </Choice>
        </div>
      )}
      <Reason required={false} />
    </Deed>
  );
}

export function RefusePerson({ of, onDone, onClose }: Form) {
  const queries = useQueryClient();
  const refuse = useMutation({
    ...refuseMutation(of.id),
    onSuccess: async ({ name }) => {
      await queries.invalidateQueries({ queryKey: ["generations", "desk"] });
      onDone(`${name} is refused, and can still be accepted.`);
    },
  });
  return (
    <Deed
      title={`Refuse ${of.name}?`}
      act="Refuse"
      danger
      pending={refuse.isPending}
      error={refuse.error}
      onSubmit={(filled) => refuse.mutate({ reason: filled.text("reason") })}
      onClose={onClose}
    >
      <p className="text-muted">
        They are told at the next sign-in, without the reason. They may be accepted later.
      </p>
      <Reason />
    </Deed>
  );
}
