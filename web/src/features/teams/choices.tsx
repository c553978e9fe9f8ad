import { useInfiniteQuery } from "@tanstack/react-query";
import { Choice } from "@/ui/field";
import { membersQuery, teamsQuery } from "./queries";

interface Chosen {
  chosen: string | undefined;
  onChange?: (id: string | undefined) => void;
  /** What leaves it open. */
  none?: string;
}

/** A team of all that somebody manages, by its id. Uncontrolled without `onChange`. */
export function TeamChoice(props: Chosen) {
  const teams = useInfiniteQuery(teamsQuery).data?.pages.flatMap((page) => page.data) ?? [];
  return <Of {...props} label="Team" name="team" list={teams} />;
}

/** A member of a team, by its id. */
export function MemberChoice({ team, ...props }: Chosen & { team: string }) {
  const members = useInfiniteQuery(membersQuery(team)).data?.pages.flatMap((page) => page.data) ?? [];
  return <Of {...props} label="Member" name="member" list={members} />;
}

function Of({
  label,
  name,
  list,
  chosen = "",
  onChange,
  none = "all",
}: Chosen & { label: string; name: string; list: { id: string; name: string }[] }) {
  const value = onChange
    ? {
        value: chosen,
        onChange: (event: { target: { value: string } }) => onChange(event.target.value || undefined),
      }
    : { defaultValue: chosen };
  return (
    <Choice
      // What is chosen may be known before the list is.
      key={list.length}
      label={label}
      name={name}
      className="w-40"
      {...value}
    >
      <option value="">{none}</option>
      {chosen && !list.some((one) => one.id === chosen) && <option value={chosen}>{chosen}</option>}
      {list.map((one) => (
        <option key={one.id} value={one.id}>
          {one.name}
        </option>
      ))}
    </Choice>
  );
}
