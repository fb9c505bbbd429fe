export { compileRules, type ProxySettings, TABLE } from './core/nftables.ts';
export { diffScript, fullScript, type RuleSet } from './core/ruleset.ts';
export { type ServicePort, servicePorts, type Target } from './core/services.ts';
