/** What the tests read of API objects: as kubectl prints them, so nothing of kubelab's own types. */
interface Meta {
  readonly name: string;
  readonly uid: string;
  readonly deletionTimestamp?: string;
}

interface Condition {
  readonly type: string;
  readonly status: string;
}

export interface Pod {
  readonly metadata: Meta;
  readonly spec: { readonly nodeName?: string };
  readonly status: {
    readonly phase: string;
    readonly podIP?: string;
    readonly conditions?: readonly Condition[];
  };
}

export interface Node {
  readonly metadata: Meta;
  readonly status: {
    readonly conditions: readonly Condition[];
    readonly addresses: readonly { readonly type: string; readonly address: string }[];
  };
}

export interface Endpoints {
  readonly subsets?: readonly {
    readonly addresses?: readonly { readonly ip: string; readonly targetRef?: { readonly name: string } }[];
  }[];
}

export interface EventList {
  readonly items: readonly { readonly reason: string }[];
}
