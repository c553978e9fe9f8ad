import { Monitor, Moon, Sun } from "lucide-react";
import { chooseTheme, type Theme, THEMES, useTheme } from "./theme";

const SHOWN: Record<Theme, [string, typeof Sun]> = {
  system: ["As the system", Monitor],
  light: ["Light", Sun],
  dark: ["Dark", Moon],
};

/** Three radio buttons that look like one switch. */
export function ThemeChoice() {
  const chosen = useTheme();
  return (
    <fieldset className="relative flex w-fit gap-0.5 rounded-md border border-border p-0.5">
      <legend className="sr-only">Colours</legend>
      {THEMES.map((theme) => {
        const [label, Icon] = SHOWN[theme];
        return (
          <label
            key={theme}
            title={label}
            className="relative cursor-pointer rounded p-1.5 text-muted hover:bg-sunken has-checked:bg-accent-soft has-checked:text-accent has-focus-visible:outline-2 has-focus-visible:outline-accent"
          >
            <input
              type="radio"
              name="theme"
              className="sr-only"
              checked={theme === chosen}
              onChange={() => {
                chooseTheme(theme);
              }}
            />
            <Icon aria-hidden className="size-4" />
            <span className="sr-only">{label}</span>
          </label>
        );
      })}
    </fieldset>
  );
}
