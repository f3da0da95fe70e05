import type { TickcastClient } from "@tickcast/client";
import type { Model, ModelVersion } from "@tickcast/client/v1/model_pb";

/** Every version of a model, newest first, loaded or not. */
export async function versionsOf(
  client: TickcastClient,
  model: string,
  signal: AbortSignal,
): Promise<ModelVersion[]> {
  const found: ModelVersion[] = [];
  let pageToken = "";
  do {
    const page = await client.services.model.listModelVersions(
      { parent: model, pageToken },
      { signal },
    );
    found.push(...page.modelVersions);
    pageToken = page.nextPageToken;
  } while (pageToken);
  return found;
}

/** The model that a name of a model or of one of its versions belongs to. */
export function modelOf(name: string): string {
  return name.split("/").slice(0, 2).join("/");
}

/** The number of a version, from its name. */
export function numberOf(version: string): string {
  return version.split("/").at(-1) ?? "";
}

/** The version that a name stands for: by its number or an alias, or the default one of a model. */
export function versionNamed(
  name: string,
  model: Model,
  versions: readonly ModelVersion[],
): ModelVersion | undefined {
  const alias = model.aliases.find((item) => name === `${model.name}/versions/${item.alias}`);
  const wanted = alias?.version ?? (name === model.name ? model.defaultVersion : name);
  return versions.find((version) => version.name === wanted);
}

/** Whether it answers with predictions: a graph without a manifest has no timeframe. */
export function predicts(version: ModelVersion): boolean {
  return version.loadTime !== undefined && version.timeframe !== "";
}

/** Whether its target is the close of a bar. Others are taken early, which bars alone do not tell. */
export function predictsCloses(version: ModelVersion): boolean {
  return version.target === "log_return";
}
