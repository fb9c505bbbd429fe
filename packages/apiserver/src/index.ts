export type { ApiServerConfig } from './config.ts';
export type { ApiRequest, ApiResponse } from './core/messages.ts';
export { main } from './main.ts';
export { ApiServer, type ApiServerDeps } from './server.ts';
