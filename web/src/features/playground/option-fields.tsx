import { ChoiceField } from "./choice-field";
import type { FieldProps } from "./field-frame";
import { isDemanded } from "./form";
import { ImageField } from "./image-field";
import { barred, type Issue, warningsOf } from "./rules";
import { NumberField, TextField } from "./text-field";
import type { Form } from "./use-form";

/** A control for each option of the model, whatever these are. */
export function OptionFields({ form, issues }: { form: Form; issues: Issue[] }) {
  const { model, asked, set } = form;
  const { values } = asked;
  const warnings = warningsOf(model, values);
  const main = model.options.find((option) => option.kind === "text")?.name;
  return model.options.map((option) => {
    const { name, kind } = option;
    const shared: FieldProps = {
      option,
      id: `play-${name}`,
      demanded: isDemanded(model, values, option),
      issues: issues.filter(({ field }) => field.split(".")[0] === name),
      warnings: warnings.filter(({ field }) => field === name),
    };
    const given = {
      ...shared,
      value: values[name],
      onChange: (value: Parameters<typeof set>[1]) => set(name, value),
    };
    switch (kind) {
      case "choice":
      case "flag":
        return (
          <ChoiceField key={name} {...given} barredBy={(value) => barred(model, values, name, value)} />
        );
      case "integer":
      case "number":
        return <NumberField key={name} {...given} />;
      case "asset":
      case "assets":
        return <ImageField key={`${model.id} ${name}`} {...given} />;
      default:
        return <TextField key={name} {...given} main={name === main} />;
    }
  });
}
