import { useInfiniteQuery } from "@tanstack/react-query";
import { useState } from "react";
import { Answer, More } from "@/ui/answer";
import { Button } from "@/ui/button";
import { Moment } from "@/ui/moment";
import { Empty } from "@/ui/notices";
import { Table } from "@/ui/table";
import { AcceptPerson, RefusePerson } from "./sign-in-forms";
import { type Person, signInsQuery } from "./sign-in-queries";

/** People whom an issuer has signed in, and who belong to no team. */
export function SignInsPage() {
  const [refused, setRefused] = useState(false);
  const [open, setOpen] = useState<{ deed: "accept" | "refuse"; of: Person } | null>(null);
  const [said, setSaid] = useState("");
  const list = useInfiniteQuery(signInsQuery(refused));
  const form = {
    onDone: (done: string) => {
      setOpen(null);
      setSaid(done);
    },
    onClose: () => setOpen(null),
  };
  return (
    <>
      <div className="flex flex-wrap items-end justify-between gap-3">
        <h1 className="text-xl font-semibold">People who wait</h1>
        <label className="flex items-center gap-2 text-sm">
          <input
            type="checkbox"
            checked={refused}
            onChange={(event) => setRefused(event.target.checked)}
          />
          those who were refused
        </label>
      </div>
      <p className="mt-1 max-w-prose text-sm text-muted">
        Their company account let them in, and no group or default gives them a team. Name and
        address are what the issuer says, and others may have the same.
      </p>
      <p role="status" className="mt-2 text-sm text-success">
        {said}
      </p>
      <div className="mt-4">
        <Answer query={list} what="who waits">
          {({ pages }) => {
            const people = pages.flatMap((page) => page.data);
            return people.length === 0 ? (
              <Empty title={refused ? "Nobody was refused" : "Nobody waits"}>
                Whoever signs in for the first time and has no team appears here.
              </Empty>
            ) : (
              <>
                <People list={people} onDeed={(deed, of) => setOpen({ deed, of })} />
                <More list={list} />
              </>
            );
          }}
        </Answer>
      </div>
      {open?.deed === "accept" && <AcceptPerson of={open.of} {...form} />}
      {open?.deed === "refuse" && <RefusePerson of={open.of} {...form} />}
    </>
  );
}

/** Whether the issuer vouches for the address. */
export function address({ email, email_verified }: Person): string {
  if (email === null) return "no address";
  if (email_verified === null) return `${email}, of which the issuer says nothing`;
  return email_verified ? email : `${email}, not verified`;
}

function People({
  list,
  onDeed,
}: {
  list: Person[];
  onDeed: (deed: "accept" | "refuse", of: Person) => void;
}) {
  return (
    <Table
      caption="People who wait, oldest first"
      heads={["Name", "Address", "Issuer", "Its name for them", "Since", "Last tried", "Refused", ""]}
    >
      {list.map((one) => (
        <tr key={one.id}>
          <th scope="row" className="font-medium">
            {one.name}
          </th>
          <td className="min-w-40 break-words">{address(one)}</td>
          <td className="min-w-40 break-all">{one.issuer}</td>
          <td className="font-mono text-xs break-all">{one.subject}</td>
          <td className="whitespace-nowrap">
            <Moment at={one.created_at} />
          </td>
          <td className="whitespace-nowrap">
            <Moment at={one.seen_at} />
          </td>
          <td>{one.refused_at ? `by ${one.refused_by ?? "?"}: ${one.refusal ?? ""}` : "–"}</td>
          <td className="text-right whitespace-nowrap">
            <Button
              look="quiet"
              aria-label={`Accept ${one.name}`}
              onClick={() => onDeed("accept", one)}
            >
              Accept
            </Button>
            {!one.refused_at && (
              <Button
                look="quiet"
                aria-label={`Refuse ${one.name}`}
                onClick={() => onDeed("refuse", one)}
              >
                Refuse
              </Button>
            )}
          </td>
        </tr>
      ))}
    </Table>
  );
}
