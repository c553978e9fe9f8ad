import { useInfiniteQuery, useSuspenseQuery } from "@tanstack/react-query";
import { Plus } from "lucide-react";
import { useState } from "react";
import { meQuery } from "@/api/me";
import { Answer, More } from "@/ui/answer";
import { Button } from "@/ui/button";
import { Empty } from "@/ui/notices";
import { CreateKey, RevokeKey, RotateKey } from "./forms";
import { KeyTable } from "./key-table";
import { Together } from "./own-credits";
import { type Key, type KeyWithSecret, keysQuery } from "./queries";
import { Secret } from "./secret";

type Open = { deed: "create" } | { deed: "rotate" | "revoke"; of: Key } | null;

/** A member's own keys. */
export function KeysPage() {
  const { data: me } = useSuspenseQuery(meQuery);
  const list = useInfiniteQuery(keysQuery);
  const [open, setOpen] = useState<Open>(null);
  const [made, setMade] = useState<KeyWithSecret | null>(null);
  const [said, setSaid] = useState("");
  const close = () => setOpen(null);
  function done(key: KeyWithSecret) {
    setMade(key);
    setSaid("");
    close();
  }
  return (
    <>
      <div className="flex flex-wrap items-center justify-between gap-3">
        <h1 className="text-xl font-semibold">Keys</h1>
        <Button look="primary" onClick={() => setOpen({ deed: "create" })}>
          <Plus aria-hidden className="size-4" /> Make a key
        </Button>
      </div>
      <Together accounts={me.credits.accounts} />
      <p role="status" className="mt-2 text-sm text-success">
        {said}
      </p>
      {made && <Secret made={made} onClose={() => setMade(null)} />}
      <div className="mt-4">
        <Answer query={list} what="your keys">
          {({ pages }) => {
            const keys = pages.flatMap((page) => page.data);
            return keys.length === 0 ? (
              <Empty title="You have no key">Programs sign in with one. Make it here.</Empty>
            ) : (
              <>
                <KeyTable keys={keys} own={me.key.prefix} onDeed={(deed, of) => setOpen({ deed, of })} />
                <More list={list} />
              </>
            );
          }}
        </Answer>
      </div>
      {open?.deed === "create" && <CreateKey onDone={done} onClose={close} />}
      {open?.deed === "rotate" && <RotateKey of={open.of} onDone={done} onClose={close} />}
      {open?.deed === "revoke" && (
        <RevokeKey
          of={open.of}
          own={open.of.prefix === me.key.prefix}
          onDone={({ key, webhook_endpoints }) => {
            setMade(null);
            setSaid(
              `${key.name} is revoked.` +
                (webhook_endpoints.length > 0
                  ? ` Webhook endpoints disabled: ${webhook_endpoints.length}.`
                  : ""),
            );
            close();
          }}
          onClose={close}
        />
      )}
    </>
  );
}
