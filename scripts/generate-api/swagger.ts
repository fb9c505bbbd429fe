/** The parts of the published OpenAPI v2 description that the generator reads. */
export interface Swagger {
  readonly definitions: Readonly<Record<string, Definition>>;
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
}

export interface Definition extends Property {
  readonly properties?: Readonly<Record<string, Property>>;
  readonly required?: readonly string[];
  readonly 'x-kubernetes-group-version-kind'?: readonly GroupVersionKind[];
}

export interface Property {
  readonly type?: string;
  readonly format?: string;
  readonly $ref?: string;
  readonly items?: Property;
  readonly additionalProperties?: Property;
  readonly 'x-kubernetes-list-type'?: string;
  readonly 'x-kubernetes-list-map-keys'?: readonly string[];
  readonly 'x-kubernetes-map-type'?: string;
  readonly 'x-kubernetes-patch-merge-key'?: string;
  readonly 'x-kubernetes-patch-strategy'?: string;
}

export interface Operation {
  readonly 'x-kubernetes-action'?: string;
  readonly 'x-kubernetes-group-version-kind'?: GroupVersionKind;
  readonly parameters?: readonly unknown[];
}

export interface GroupVersionKind {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
}

/** `#/definitions/io.k8s.api.core.v1.Pod` → `io.k8s.api.core.v1.Pod`. */
export function refTarget(property: Property): string | undefined {
  return property.$ref?.slice('#/definitions/'.length);
}

/** Every definition a property leads to directly. */
export function targetsOf(property: Property): string[] {
  const own = refTarget(property);
  return [
    ...(own === undefined ? [] : [own]),
    ...(property.items === undefined ? [] : targetsOf(property.items)),
    ...(property.additionalProperties === undefined ? [] : targetsOf(property.additionalProperties)),
  ];
}

/** The definitions reachable from `roots`, sorted by name. */
export function reachable(swagger: Swagger, roots: Iterable<string>): string[] {
  const seen = new Set<string>();
  const queue = [...roots];
  for (let name = queue.pop(); name !== undefined; name = queue.pop()) {
    if (seen.has(name)) continue;
    const definition = swagger.definitions[name];
    if (definition === undefined) throw new Error(`the description has no definition ${name}`);
    seen.add(name);
    for (const property of Object.values(definition.properties ?? {})) queue.push(...targetsOf(property));
  }
  return [...seen].sort();
}
