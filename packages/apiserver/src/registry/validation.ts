import type { FieldError, KubeObject } from '@kubelab/api';
import * as server from '@kubelab/api/server';

type Validate = (rt: server.ServedResource, object: KubeObject, old?: KubeObject) => FieldError[];

export const validate: Validate = (server as unknown as { validate?: Validate }).validate ?? (() => []);
