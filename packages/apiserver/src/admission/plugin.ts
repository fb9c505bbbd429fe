import type { KubeObject } from '@kubelab/api';
import type { ServedResource } from '@kubelab/api/server';
import type { User } from '../core/user.ts';

/** A write on its way to the store, as admission sees it. */
export interface Attributes {
  readonly operation: 'CREATE' | 'UPDATE' | 'DELETE';
  readonly resource: ServedResource;
  readonly subresource: string;
  readonly namespace: string;
  readonly name: string;
  /** What shall be stored (or the subresource's body); plugins may change it. Absent on DELETE. */
  readonly object: KubeObject | undefined;
  /** What is stored now; absent on CREATE. */
  readonly old: KubeObject | undefined;
  readonly user: User;
  readonly warn: (text: string) => void;
}

/** One rule. `admit` may change the object, `validate` sees it last; both refuse by throwing ApiError. */
export interface AdmissionPlugin {
  readonly name: string;
  admit?(attributes: Attributes): Promise<void> | void;
  validate?(attributes: Attributes): Promise<void> | void;
}

export class Admission {
  readonly #plugins: readonly AdmissionPlugin[];

  constructor(plugins: readonly AdmissionPlugin[]) {
    this.#plugins = plugins;
  }

  async admit(attributes: Attributes): Promise<void> {
    for (const plugin of this.#plugins) await plugin.admit?.(attributes);
  }

  async validate(attributes: Attributes): Promise<void> {
    for (const plugin of this.#plugins) await plugin.validate?.(attributes);
  }
}

/** `isCore(attributes, 'pods')`: the resource of the core group by that name. */
export function isCore({ resource }: Pick<Attributes, 'resource'>, plural: string): boolean {
  return resource.group === '' && resource.resource === plural;
}
