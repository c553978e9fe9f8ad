import { useMutation } from "@tanstack/react-query";
import { ImagePlus, X } from "lucide-react";
import { type ReactNode, useState } from "react";
import { bytes } from "@/lib/format";
import { Button } from "@/ui/button";
import { Failure } from "@/ui/notices";
import { BOX, describedBy, type FieldProps, Hint, Name, Said } from "./field-frame";
import { formatsOf, pictureOf, refusedImage } from "./image-checks";
import { imageAddress, uploadFile, uploadFrom } from "./queries";
import { labelOf, type Value } from "./rules";

const ID = /^[0-9a-f-]{36}$/i;

/** One image or several: dropped, chosen, pasted, or by the URL that they are fetched from. */
export function ImageField({
  value,
  onChange,
  ...field
}: FieldProps & { value: Value | undefined; onChange: (value: Value | undefined) => void }) {
  const { option, id, demanded } = field;
  const several = option.kind === "assets";
  const images = Array.isArray(value) ? value : typeof value === "string" && value ? [value] : [];
  const most = several ? (option.maximum ?? Infinity) : 1;
  const [refused, setRefused] = useState<string | null>(null);
  const [over, setOver] = useState(false);
  const [url, setUrl] = useState("");

  function keep(next: string[]) {
    onChange(next.length === 0 ? undefined : several ? next : next.at(-1));
  }
  const upload = useMutation({
    mutationFn: async (given: File[] | string) => {
      if (typeof given === "string") return [(await uploadFrom(given)).id];
      const ids = [];
      for (const file of given) {
        const reason = refusedImage(option.image, await pictureOf(file));
        if (reason) throw new Unsuitable(`${file.name}: ${reason}`);
        ids.push((await uploadFile(file)).id);
      }
      return ids;
    },
    onMutate: () => setRefused(null),
    onSuccess: (ids) => {
      keep(several ? [...images, ...ids] : ids);
      setUrl("");
    },
    onError: (error) => setRefused(error instanceof Unsuitable ? error.message : null),
  });
  function take(files: Iterable<File>) {
    const given = [...files].slice(0, several ? Math.max(0, most - images.length) : 1);
    if (given.length && !upload.isPending) upload.mutate(given);
  }

  return (
    <fieldset
      aria-describedby={describedBy(field, true)}
      onPaste={(event) => {
        const files = [...event.clipboardData.files].filter((file) => file.type.startsWith("image/"));
        if (files.length === 0) return;
        event.preventDefault();
        take(files);
      }}
    >
      <legend className="text-sm font-medium">
        <Name option={option} demanded={demanded} />
      </legend>
      {images.length > 0 && (
        <ul className="mt-1 flex flex-wrap gap-2">
          {images.map((image, place) => (
            <Kept
              key={`${image} ${place}`}
              image={image}
              name={several ? `${labelOf(option.name)} ${place + 1}` : labelOf(option.name)}
              onRemove={() => keep(images.toSpliced(place, 1))}
            />
          ))}
        </ul>
      )}
      {images.length < most && (
        <>
          <label
            data-over={over || undefined}
            className="mt-1 flex min-h-24 cursor-pointer flex-col items-center justify-center gap-1 rounded-lg border border-dashed border-control p-4 text-center text-sm data-over:border-accent data-over:bg-accent-soft has-[:focus-visible]:outline-2 has-[:focus-visible]:outline-offset-2 has-[:focus-visible]:outline-accent"
            onDragOver={(event) => {
              event.preventDefault();
              setOver(true);
            }}
            onDragLeave={() => setOver(false)}
            onDrop={(event) => {
              event.preventDefault();
              setOver(false);
              take(event.dataTransfer.files);
            }}
          >
            <ImagePlus aria-hidden className="size-5 text-muted" />
            {upload.isPending ? "Uploading …" : "Drop, paste or choose an image"}
            <input
              id={id}
              type="file"
              className="sr-only"
              accept={option.image?.content_types.join(",")}
              multiple={several && most > 1}
              required={demanded && images.length === 0}
              disabled={upload.isPending}
              aria-label={`${labelOf(option.name)}: choose a file`}
              onChange={(event) => {
                take(event.target.files ?? []);
                event.target.value = "";
              }}
            />
          </label>
          <div className="mt-1 flex gap-2">
            <input
              className={`${BOX} mt-0 min-w-0`}
              type="url"
              inputMode="url"
              value={url}
              placeholder="https://…"
              aria-label={`${labelOf(option.name)}: its URL`}
              onChange={(event) => setUrl(event.target.value)}
              onKeyDown={(event) => {
                if (event.key !== "Enter" || event.ctrlKey || event.metaKey) return;
                event.preventDefault();
                if (url.trim()) upload.mutate(url.trim());
              }}
            />
            <Button disabled={!url.trim() || upload.isPending} onClick={() => upload.mutate(url.trim())}>
              Fetch
            </Button>
          </div>
        </>
      )}
      <Hint id={`${id}-more`}>{limits(field)}</Hint>
      <Told>
        {refused && <p className="text-sm font-medium text-danger">{refused}</p>}
        {upload.error && !refused ? <Failure error={upload.error} /> : null}
      </Told>
      <Said field={field} />
    </fieldset>
  );
}

/** Found before anything was sent. */
class Unsuitable extends Error {}

function Told({ children }: { children: ReactNode }) {
  return (
    <div role="status" className="mt-1">
      {children}
    </div>
  );
}

function Kept({ image, name, onRemove }: { image: string; name: string; onRemove: () => void }) {
  const [gone, setGone] = useState(false);
  const shown = ID.test(image) && !gone;
  return (
    <li className="relative overflow-hidden rounded-lg border border-border bg-sunken">
      {shown ? (
        <img
          src={imageAddress(image)}
          alt={name}
          onError={() => setGone(true)}
          className="h-32 max-w-full min-w-20 object-contain"
        />
      ) : (
        <p className="flex h-32 max-w-48 items-center p-3 text-xs break-all text-muted">
          {gone ? "This image is not there any more, or it is not yours." : image}
        </p>
      )}
      <Button
        className="absolute top-1 right-1 min-h-8 px-2"
        aria-label={`Remove ${name}`}
        onClick={onRemove}
      >
        <X aria-hidden className="size-4" />
      </Button>
    </li>
  );
}

function limits({ option }: FieldProps): string {
  const { image, minimum, maximum } = option;
  if (!image) return "";
  const count =
    option.kind === "assets" && (minimum ?? maximum) !== null
      ? `${minimum ?? 0} to ${maximum ?? "any number of"} images. `
      : "";
  const sides = [
    image.min_side && `at least ${image.min_side}`,
    image.max_side && `at most ${image.max_side}`,
  ].filter(Boolean);
  return `${count}${formatsOf(image)}, up to ${bytes(image.max_bytes)}${sides.length ? `, each side ${sides.join(" and ")} pixels` : ""}.`;
}
