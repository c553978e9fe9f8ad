import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { type KeyboardEvent, useEffect, useMemo, useRef, useState } from "react";
import type { Me } from "@/api/me";
import { Refused } from "@/api/problem";
import { Button } from "@/ui/button";
import { Failure } from "@/ui/notices";
import { Before } from "./before";
import { CodePanel } from "./code-panel";
import { ExtraFields } from "./extras";
import { estimable } from "./form";
import { JsonEditor } from "./json-editor";
import { ModelChoice } from "./model-choice";
import { OptionFields } from "./option-fields";
import { Practice } from "./practice";
import { estimateQuery, type Model } from "./queries";
import { type Issue, issuesOf, type Values } from "./rules";
import { RunPanel } from "./run-panel";
import type { PlaySearch } from "./search";
import { useDelayed } from "./use-delayed";
import { useForm } from "./use-form";
import { useGenerate } from "./use-generate";

const TYPING_MS = 400;

export function Playground({ me, models, first, search }: { me: Me; models: Model[]; first: Model; search: PlaySearch }) {
  const form = useForm(models, first, search);
  const { model, asked, body } = form;
  const { run, running, unknown, pending, error, generate, generateAnyway } = useGenerate(me, body);
  const [asJson, setAsJson] = useState(false);
  const [written, setWritten] = useState<Issue[]>([]);
  // Which model was tried to be sent with: another one begins anew.
  const [triedWith, setTriedWith] = useState<string | null>(null);
  const tried = triedWith === model.id;
  const page = useRef<HTMLFormElement>(null);
  const result = useRef<HTMLDivElement>(null);

  const lacking = useMemo(() => issuesOf(model, asked.values), [model, asked.values]);
  const priced = useMemo(() => estimable(model, body), [model, body]);
  const tellable = useMemo(
    () => issuesOf(model, priced as Values).length === 0 && written.length === 0,
    [model, priced, written],
  );
  const wanted = useDelayed(priced, TYPING_MS);
  const estimate = useQuery({
    ...estimateQuery(wanted),
    enabled: tellable,
    placeholderData: keepPreviousData,
  });

  const issues = together(
    lacking.filter(({ message }) => tried || message !== "is required"),
    told(error),
    wanted === priced ? told(estimate.error) : [],
  );
  const complete = lacking.length === 0 && written.length === 0;

  function submit(act: () => void) {
    setTriedWith(complete ? null : model.id);
    if (complete) {
      act();
      return;
    }
    // Once they are marked.
    window.setTimeout(() => firstWrong(page.current)?.focus());
  }
  function onKeyDown(event: KeyboardEvent) {
    if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey)) return;
    event.preventDefault();
    if (!running && !pending) submit(generate);
  }
  useEffect(() => {
    if (run) result.current?.focus({ preventScroll: true });
  }, [run]);

  return (
    <div className="grid gap-x-8 lg:grid-cols-2">
      <form
        ref={page}
        aria-label="Request"
        noValidate
        onSubmit={(event) => event.preventDefault()}
        onKeyDown={onKeyDown}
        className="min-w-0 space-y-5"
      >
        <div className="flex flex-wrap items-center gap-2">
          <div role="group" aria-label="Edit as" className="flex gap-1">
            <Button aria-pressed={!asJson} look={asJson ? "quiet" : "plain"} disabled={written.length > 0} onClick={() => setAsJson(false)}>
              Form
            </Button>
            <Button aria-pressed={asJson} look={asJson ? "plain" : "quiet"} onClick={() => setAsJson(true)}>
              JSON
            </Button>
          </div>
          <CopyLink left={form.left} />
        </div>
        {asJson ? (
          <JsonEditor body={body} models={models} onAsked={form.replace} onIssues={setWritten} />
        ) : (
          <>
            <ModelChoice models={models} model={model} onChoose={form.choose} />
            <OptionFields form={form} issues={issues} />
            <ExtraFields
              key={form.adopted}
              extras={asked.extras}
              issues={issues}
              onChange={form.setExtras}
            />
          </>
        )}
        {tellable ? (
          <Before
            estimate={estimate.data}
            error={error ? null : estimate.error}
            busy={estimate.isFetching || wanted !== priced}
          />
        ) : (
          <p className="text-sm text-muted">The price is told once what is marked is mended.</p>
        )}
        {error ? <Failure error={error} /> : null}
        <div className="flex flex-wrap items-center gap-3">
          <Button
            look="primary"
            aria-disabled={running || pending}
            aria-keyshortcuts="Control+Enter"
            aria-describedby="play-same"
            className="aria-disabled:cursor-not-allowed aria-disabled:opacity-60"
            onClick={() => {
              if (!running && !pending) submit(generate);
            }}
          >
            {pending ? "Waiting for the answer …" : "Generate"}
          </Button>
          <span id="play-same" className="text-sm text-muted">
            {unknown
              ? "What became of the same request is not known yet."
              : running
                ? "The same request is being made."
                : "Or Ctrl + Enter."}
          </span>
          {running && <Button onClick={() => submit(generateAnyway)}>Generate again anyway</Button>}
        </div>
        <Practice gateway={me.practice_url} asked={asked} model={model} />
        {tried && !complete && (
          <p role="alert" className="text-sm font-medium text-danger">
            {lacking.length + written.length === 1 ? "One field is" : `${lacking.length + written.length} fields are`}{" "}
            missing or wrong: nothing was sent.
          </p>
        )}
      </form>
      <div className="min-w-0">
        <div ref={result} tabIndex={-1} aria-label="Result" role="region" className="outline-none max-lg:mt-8">
          {run ? (
            <RunPanel key={run} id={run} />
          ) : (
            <p className="flex aspect-video items-center justify-center rounded-lg bg-sunken p-6 text-center text-sm text-muted">
              The video appears here as soon as there is one.
            </p>
          )}
        </div>
        <CodePanel model={model} body={body} complete={complete} />
      </div>
    </div>
  );
}

function CopyLink({ left }: { left: string[] }) {
  const [copied, setCopied] = useState(false);
  return (
    <span className="flex flex-wrap items-center gap-2 text-xs text-muted">
      <Button
        look="quiet"
        onClick={() => void navigator.clipboard.writeText(window.location.href).then(() => setCopied(true))}
      >
        Copy a link to this form
      </Button>
      <span role="status">
        {copied && "Copied"}
        {left.length > 0 && ` Too long for an address: ${left.join(", ")}.`}
      </span>
    </span>
  );
}

/** What the API said of single fields. */
function told(error: unknown): Issue[] {
  return error instanceof Refused ? (error.problem.errors ?? []) : [];
}

/** Of each field what was said first: the same is not said twice. */
function together(...said: Issue[][]): Issue[] {
  const found: Issue[] = [];
  for (const issues of said) {
    const fields = new Set(found.map((one) => one.field.split(".")[0]));
    found.push(...issues.filter((one) => !fields.has(one.field.split(".")[0])));
  }
  return found;
}

function firstWrong(form: HTMLFormElement | null): HTMLElement | null {
  const wrong = form?.querySelector('[aria-invalid="true"], fieldset:has([id$="-wrong"])');
  if (!(wrong instanceof HTMLElement)) return null;
  return wrong.matches("fieldset") ? wrong.querySelector("input, select, textarea") : wrong;
}
