import { isFields } from "./event_rules.ts";
import type { Fields } from "./event_rules.ts";
import type { LocalReply } from "./replies.ts";
import type { SampleModalComponents } from "./sample_interactions.ts";
import type { SampleMessage } from "./samples.ts";

/** Buttons, select menus and text inputs are told apart by their type. */
const TEXT_INPUT = 4;
const LABEL = 18;
const MODAL_ANSWER = 9;

/** A component that somebody can use. */
interface Component extends Fields {
  type: number;
  custom_id: string;
}

/** The component of a message that a user wants to use. */
export function usableComponent(
  message: SampleMessage,
  customId: string,
  action: string,
  fits: (type: number) => boolean,
): Component {
  const all = componentsIn(message.components).filter(({ type }) => fits(type));
  const component = all.find(({ custom_id: id }) => id === customId);
  if (component === undefined) {
    throw new RangeError(`Cannot ${action} "${customId}": the message has ${listOf(all)}`);
  }
  if (component.disabled === true) throw new RangeError(`Cannot ${action} "${customId}": it is disabled`);
  return component;
}

/** What is sent off when a modal was filled in. */
export function modalComponents(
  modal: LocalReply,
  values: Readonly<Record<string, string>>,
): { customId: string; components: SampleModalComponents } {
  if (modal.callbackType !== MODAL_ANSWER || !isFields(modal.body)) {
    throw new TypeError("Cannot submit the reply: it is no modal");
  }
  const rows = Array.isArray(modal.body.components) ? modal.body.components.filter(isFields) : [];
  const inputs = componentsIn(rows);
  for (const name of Object.keys(values)) {
    if (inputs.some(({ custom_id: id }) => id === name)) continue;
    throw new RangeError(`Cannot fill in "${name}": the modal has ${listOf(inputs)}`);
  }
  // "required: defaults to true"
  const missing = inputs.find((input) =>
    input.required !== false && (values[input.custom_id] ?? input.value ?? "") === ""
  );
  if (missing !== undefined) {
    throw new RangeError(`Cannot submit the modal: "${missing.custom_id}" has to be filled in`);
  }
  const filled = ({ type, custom_id, value = "" }: Component) => {
    const given = values[custom_id] ?? value;
    return type === TEXT_INPUT
      ? { type, custom_id, value: given }
      : { type, custom_id, values: given === "" ? [] : [given] };
  };
  const components = rows.map((row) => {
    const [input] = componentsIn([row]);
    if (input === undefined) return { type: row.type };
    return row.type === LABEL ? { type: LABEL, component: filled(input) } : { type: 1, components: [filled(input)] };
  });
  return { customId: String(modal.body.custom_id), components: components as unknown as SampleModalComponents };
}

/** Everything with a custom id, however deep in rows, sections, containers and labels. */
function componentsIn(value: unknown): Component[] {
  if (Array.isArray(value)) return value.flatMap(componentsIn);
  if (!isFields(value)) return [];
  if (typeof value.custom_id === "string") return [value as Component];
  return [value.components, value.component, value.accessory].flatMap(componentsIn);
}

function listOf(components: readonly Component[]): string {
  return components.length === 0 ? "none" : components.map(({ custom_id: id }) => `"${id}"`).join(", ");
}
