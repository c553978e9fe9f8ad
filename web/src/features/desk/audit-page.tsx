import { useInfiniteQuery } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { Download } from "lucide-react";
import type { Schemas } from "@/api/client";
import { detailOf } from "@/lib/detail";
import { Answer, More } from "@/ui/answer";
import { Button } from "@/ui/button";
import { Filled } from "@/ui/deed";
import { Field } from "@/ui/field";
import { Moment } from "@/ui/moment";
import { Empty } from "@/ui/notices";
import { Table } from "@/ui/table";
import { auditQuery, exportAddress } from "./audit-queries";
import { AUDIT_FILTERS, auditSearch } from "./audit-search";

const LABELS = { actor: "Who", action: "Did", subject: "To", member: "Member" };
const HINTS = {
  actor: "ada",
  action: "key.revoke",
  subject: "a name or an id",
  member: "team/member",
};

/** Who did what, newest first. */
export function AuditPage() {
  const search = useSearch({ from: "/inside/desk/audit" });
  const navigate = useNavigate({ from: "/desk/audit" });
  const list = useInfiniteQuery(auditQuery(search));
  return (
    <>
      <div className="flex flex-wrap items-center justify-between gap-3">
        <h1 className="text-xl font-semibold">Audit log</h1>
        <Button asChild>
          <a href={exportAddress(search)} download="audit.csv">
            <Download aria-hidden className="size-4" /> CSV
          </a>
        </Button>
      </div>
      <form
        key={JSON.stringify(search)}
        className="mt-4 mb-4 flex flex-wrap items-end gap-3"
        onSubmit={(event) => {
          event.preventDefault();
          const filled = new Filled(new FormData(event.currentTarget));
          const asked: Record<string, unknown> = {};
          for (const name of AUDIT_FILTERS) asked[name] = filled.text(name);
          void navigate({ search: auditSearch(asked) });
        }}
      >
        {AUDIT_FILTERS.map((name) => (
          <Field
            key={name}
            label={LABELS[name]}
            name={name}
            placeholder={HINTS[name]}
            defaultValue={search[name] ?? ""}
            className="w-44"
          />
        ))}
        <Button type="submit">Show</Button>
      </form>
      <Answer query={list} what="the audit log">
        {({ pages }) => {
          const lines = pages.flatMap((page) => page.data);
          return lines.length === 0 ? (
            <Empty title="No line matches" />
          ) : (
            <>
              <Lines lines={lines} />
              <More list={list} />
            </>
          );
        }}
      </Answer>
    </>
  );
}

function Lines({ lines }: { lines: Schemas["AuditLine"][] }) {
  return (
    <Table caption="Audit log" heads={["When", "Who", "Did", "To", "With the key", "From", "Detail"]}>
      {lines.map((line) => (
        <tr key={line.id}>
          <td className="whitespace-nowrap">
            <Moment at={line.created_at} />
          </td>
          <td>{line.actor}</td>
          <td className="whitespace-nowrap">{line.action}</td>
          <td className="max-w-64 break-words">{line.subject}</td>
          <td className="font-mono text-xs">{line.key_prefix ? `${line.key_prefix}…` : "–"}</td>
          <td>{line.address ?? "–"}</td>
          <td className="min-w-64 text-xs break-words text-muted">{detailOf(line.detail)}</td>
        </tr>
      ))}
    </Table>
  );
}
