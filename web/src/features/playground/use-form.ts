import { useNavigate } from "@tanstack/react-router";
import { useEffect, useMemo, useRef, useState } from "react";
import { askedOf, searchOf } from "./address";
import { type Asked, begun, bodyOf, type Extras } from "./form";
import type { Model } from "./queries";
import { type Value, withValue } from "./rules";
import type { PlaySearch } from "./search";
import { useDelayed } from "./use-delayed";

const TYPING_MS = 400;

/** What the form says, which the address follows, and the other way round. */
export function useForm(models: Model[], first: Model, search: PlaySearch) {
  const navigate = useNavigate({ from: "/play" });
  const [asked, setAsked] = useState<Asked>(() => askedOf(search, models, first));
  const [adopted, setAdopted] = useState(0);
  const written = useRef(search);
  const model = models.find((one) => one.id === asked.model) ?? first;
  const { search: wanted, left } = useMemo(() => searchOf(asked), [asked]);
  const settled = useDelayed(wanted, TYPING_MS);

  useEffect(() => {
    if (JSON.stringify(settled) === JSON.stringify(written.current)) return;
    written.current = settled;
    void navigate({ search: settled, replace: true });
  }, [settled, navigate]);

  // Somebody went back, or opened another link to this page.
  useEffect(() => {
    if (JSON.stringify(search) === JSON.stringify(written.current)) return;
    written.current = search;
    setAsked(askedOf(search, models, first));
    setAdopted((count) => count + 1);
  }, [search, models, first]);

  return {
    asked,
    model,
    /** How often another address was taken over. */
    adopted,
    /** What is too long for the address. */
    left,
    body: useMemo(() => bodyOf(model, asked), [model, asked]),
    replace: setAsked,
    choose: (name: string) => {
      const chosen = models.find((one) => one.id === name);
      if (chosen)
        setAsked(({ values, extras }) => ({ model: name, values: begun(chosen, values), extras }));
    },
    set: (name: string, value: Value | undefined) => {
      setAsked((old) => ({ ...old, values: withValue(old.values, name, value) }));
    },
    setExtras: (extras: Extras) => {
      setAsked((old) => ({ ...old, extras }));
    },
  };
}

export type Form = ReturnType<typeof useForm>;
