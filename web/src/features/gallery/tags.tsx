import { Link } from "@tanstack/react-router";

/** Tags are part of the request: a video keeps those that it was asked for with. */
export function Tags({ tags }: { tags: Record<string, string> }) {
  const pairs = Object.entries(tags);
  if (pairs.length === 0) return null;
  return (
    <section>
      <h2 className="mb-1 text-xs font-semibold tracking-wide text-muted uppercase">Tags</h2>
      <ul className="flex flex-wrap gap-2">
        {pairs.map(([name, value]) => (
          <li key={name} className="min-w-0">
            <Link
              to="/videos"
              search={{ tag: `${name}=${value}` }}
              className="inline-block max-w-full truncate rounded-md border border-border bg-raised px-2 py-1 text-sm hover:border-accent"
              title="Videos with this tag"
            >
              <span className="text-muted">{name}=</span>
              {value}
            </Link>
          </li>
        ))}
      </ul>
    </section>
  );
}
