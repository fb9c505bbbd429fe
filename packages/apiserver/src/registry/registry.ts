import type { Admission, AdmissionPlugin } from '../admission/plugin.ts';
import type { Allocator } from './allocator.ts';
import type { Objects } from './objects.ts';

/** What the verbs of stored resources work with. */
export interface Registry {
  readonly objects: Objects;
  readonly admission: Admission;
  /** What a write must claim or release beside the object itself. */
  readonly allocators: readonly Allocator[];
  /** Extra checks of a write by who makes it: RBAC's rule against giving away more than one has. */
  readonly guards: readonly AdmissionPlugin[];
}
