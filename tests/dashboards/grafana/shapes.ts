// What a dashboard must look like: Grafana's own types, and for each kind of panel those of its
// options and of what its fields add. tests/dashboards/shapes.py makes a JSON schema of it.
import type { Dashboard } from "./node_modules/@grafana/schema/dist/types/veneer/dashboard.types";
import type { FieldColorModeId } from "./node_modules/@grafana/schema/dist/types/schema/dashboard/v2/types.spec.gen";
import type * as barchart from "./node_modules/@grafana/schema/dist/types/raw/composable/barchart/panelcfg/x/types.gen";
import type * as bargauge from "./node_modules/@grafana/schema/dist/types/raw/composable/bargauge/panelcfg/x/types.gen";
import type * as gauge from "./node_modules/@grafana/schema/dist/types/raw/composable/gauge/panelcfg/x/types.gen";
import type * as geomap from "./node_modules/@grafana/schema/dist/types/raw/composable/geomap/panelcfg/x/types.gen";
import type * as histogram from "./node_modules/@grafana/schema/dist/types/raw/composable/histogram/panelcfg/x/types.gen";
import type * as stat from "./node_modules/@grafana/schema/dist/types/raw/composable/stat/panelcfg/x/types.gen";
import type * as timeline from "./node_modules/@grafana/schema/dist/types/raw/composable/statetimeline/panelcfg/x/types.gen";
import type * as history from "./node_modules/@grafana/schema/dist/types/raw/composable/statushistory/panelcfg/x/types.gen";
import type * as table from "./node_modules/@grafana/schema/dist/types/raw/composable/table/panelcfg/x/types.gen";
import type * as text from "./node_modules/@grafana/schema/dist/types/raw/composable/text/panelcfg/x/types.gen";
import type * as timeseries from "./node_modules/@grafana/schema/dist/types/raw/composable/timeseries/panelcfg/x/types.gen";

export interface Shapes {
  dashboard: Dashboard;
  colours: FieldColorModeId;
  barchart: { options: barchart.Options; custom: barchart.FieldConfig };
  bargauge: { options: bargauge.Options };
  gauge: { options: gauge.Options };
  geomap: { options: geomap.Options };
  histogram: { options: histogram.Options; custom: histogram.FieldConfig };
  stat: { options: stat.Options };
  "state-timeline": { options: timeline.Options; custom: timeline.FieldConfig };
  "status-history": { options: history.Options; custom: history.FieldConfig };
  table: { options: table.Options; custom: table.FieldConfig };
  text: { options: text.Options };
  timeseries: { options: timeseries.Options; custom: timeseries.FieldConfig };
}
