// Put frames through Grafana's own code for a panel's data: transformations, overrides, units,
// words. Reads [{panel, frames}] as JSON and writes what a reader would see of each field.
const rxjs = require("rxjs");
const data = require("@grafana/data");
globalThis.window = globalThis; // asked for later; some of what it loads takes it for a browser

const PROPERTIES = [
  "displayName", "unit", "decimals", "min", "max", "color", "mappings", "thresholds", "links",
  "noValue",
];
const theme = data.createTheme();

data.standardTransformersRegistry.setInit(() => {
  const known = new Map(Object.values(data.standardTransformers).map((one) => [one.id, one]));
  return [...known.values()].map((one) => ({ id: one.id, name: one.name, transformation: async () => one }));
});

// Each panel has its own list of properties in Grafana; the schema has checked these already.
function registry(config) {
  const used = config.overrides.flatMap((one) => one.properties.map((property) => property.id));
  const own = used.filter((id) => id.startsWith("custom."));
  const item = (id, isCustom) => ({
    id, isCustom, name: id, path: id.replace(/^custom\./, ""), settings: {},
    process: (value) => value, shouldApply: () => true,
  });
  return new data.FieldConfigOptionsRegistry(() => [
    ...PROPERTIES.map((id) => item(id, false)),
    ...[...new Set(own)].map((id) => item(id, true)),
  ]);
}

async function transformed(panel, frames) {
  const asked = panel.transformations ?? [];
  for (const { id } of asked) data.standardTransformersRegistry.get(id); // throws if unknown
  const shaped = data.transformDataFrame(asked, frames, { interpolate: (text) => text });
  return rxjs.firstValueFrom(shaped, { defaultValue: frames });
}

function seen(field, frame, frames) {
  const last = field.values.filter((value) => value !== null && value !== undefined).at(-1);
  const shown = last === undefined ? undefined : field.display(last);
  return {
    ref: frame.refId,
    name: field.name,
    type: field.type,
    title: data.getFieldDisplayName(field, frame, frames),
    text: shown && data.formattedValueToString(shown),
    color: shown?.color,
    mapped: (field.config.mappings ?? []).some((one) => one.type === "value"),
    labels: Object.keys(field.labels ?? {}),
    custom: field.config.custom ?? {},
    links: (field.config.links ?? []).map((link) => link.url),
  };
}

async function show({ panel, frames }) {
  const config = panel.fieldConfig;
  const shaped = await transformed(panel, frames.map((frame) => data.toDataFrame(frame)));
  const shown = data.applyFieldOverrides({
    data: shaped,
    fieldConfig: config,
    fieldConfigRegistry: registry(config),
    replaceVariables: (text) => text,
    theme,
    timeZone: "Europe/Paris",
  });
  const unmatched = config.overrides
    .map((one) => one.matcher)
    .filter((one) => {
      const matches = data.fieldMatchers.get(one.id).get(one.options);
      return !shaped.some((frame) => frame.fields.some((f) => matches(f, frame, shaped)));
    })
    .map((one) => one.options);
  const fields = shown.map((frame) => frame.fields.map((field) => seen(field, frame, shown)));
  return { title: panel.title, kind: panel.type, frames: fields, unmatched };
}

// What there is to name: units and transformations.
function known() {
  const units = data.getValueFormats().flatMap((group) => group.submenu.map((one) => one.value));
  return { units, transformations: data.standardTransformersRegistry.list().map((one) => one.id) };
}

async function main() {
  if (process.argv[2] === "known") return process.stdout.write(JSON.stringify(known()));
  const parts = [];
  for await (const part of process.stdin.setEncoding("utf8")) parts.push(part);
  const found = [];
  for (const asked of JSON.parse(parts.join(""))) found.push(await show(asked));
  process.stdout.write(JSON.stringify(found));
}

main();
