import type { LogFields } from '@kubelab/component-base';

/** Something to log once there is a log. */
export interface Notice {
  readonly level: 'info' | 'warn';
  readonly msg: string;
  readonly fields: LogFields;
}

/** Settings that are well-formed each, and wrong together or in what they name: the process ends with 1. */
export class ConfigError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'ConfigError';
  }
}
