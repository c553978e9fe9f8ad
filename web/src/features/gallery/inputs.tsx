import { useState } from "react";
import { bytes } from "@/lib/format";
import { type Generation, inputAddress } from "./queries";

type Input = Generation["inputs"][number];

/** The images that a video is made of. They go with it, so one may be gone. */
export function Inputs({ inputs }: { inputs: Input[] }) {
  if (inputs.length === 0) return null;
  return (
    <section>
      <h2 className="mb-1 text-xs font-semibold tracking-wide text-muted uppercase">Made of</h2>
      <ul className="flex flex-wrap gap-2">
        {inputs.map((input) => (
          <li key={`${input.field} ${input.input_id}`}>
            <Image input={input} />
          </li>
        ))}
      </ul>
    </section>
  );
}

function Image({ input }: { input: Input }) {
  const [gone, setGone] = useState(false);
  return (
    <figure className="w-36 overflow-hidden rounded-lg border border-border bg-raised">
      {gone ? (
        <p className="flex aspect-video items-center justify-center bg-sunken text-xs text-muted">Deleted</p>
      ) : (
        <a href={inputAddress(input.input_id)} target="_blank" rel="noreferrer">
          <img
            src={inputAddress(input.input_id)}
            alt={`The ${input.field}`}
            loading="lazy"
            onError={() => setGone(true)}
            className="aspect-video w-full object-contain"
          />
        </a>
      )}
      <figcaption className="p-2 text-xs text-muted">
        {input.field}, {input.width} × {input.height}, {bytes(input.size_bytes)}
      </figcaption>
    </figure>
  );
}
