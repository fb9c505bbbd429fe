import type { ResponseHeader } from './messages.ts';

/** The messages of etcd's Auth service and of `authpb`, as the codecs give them. */
export const PermissionType = { READ: 0, WRITE: 1, READWRITE: 2 } as const;

/** On one key, or on `key <= k < rangeEnd`; `rangeEnd` of a zero byte: on everything from the key on. */
export interface Permission {
  readonly permType: number;
  readonly key: Uint8Array;
  readonly rangeEnd: Uint8Array;
}
export interface UserAddOptions {
  readonly noPassword: boolean;
}
/** `authpb.User`: name and bcrypt hash are text as bytes. */
export interface AuthUser {
  readonly name: Uint8Array;
  readonly password: Uint8Array;
  readonly roles: readonly string[];
  readonly options: UserAddOptions | null;
}
/** `authpb.Role` */
export interface AuthRole {
  readonly name: Uint8Array;
  readonly keyPermission: readonly Permission[];
}

/** The answer of all that changes something and says no more than that it did. */
export interface AuthResponse {
  readonly header: ResponseHeader;
}
export interface AuthStatusResponse extends AuthResponse {
  readonly enabled: boolean;
  readonly authRevision: number;
}
export interface AuthenticateRequest {
  readonly name: string;
  readonly password: string;
}
export interface AuthenticateResponse extends AuthResponse {
  readonly token: string;
}

export interface AuthUserAddRequest {
  readonly name: string;
  readonly password: string;
  readonly options: UserAddOptions | null;
  readonly hashedPassword: string;
}
/** UserGet, UserDelete, RoleAdd. */
export interface AuthNameRequest {
  readonly name: string;
}
export interface AuthUserGetResponse extends AuthResponse {
  readonly roles: readonly string[];
}
export interface AuthUserListResponse extends AuthResponse {
  readonly users: readonly string[];
}
export interface AuthUserChangePasswordRequest {
  readonly name: string;
  readonly password: string;
  readonly hashedPassword: string;
}
export interface AuthUserGrantRoleRequest {
  readonly user: string;
  readonly role: string;
}
export interface AuthUserRevokeRoleRequest {
  readonly name: string;
  readonly role: string;
}

/** RoleGet, RoleDelete. */
export interface AuthRoleRequest {
  readonly role: string;
}
export interface AuthRoleGetResponse extends AuthResponse {
  readonly perm: readonly Permission[];
}
export interface AuthRoleListResponse extends AuthResponse {
  readonly roles: readonly string[];
}
export interface AuthRoleGrantPermissionRequest {
  readonly name: string;
  readonly perm: Permission | null;
}
export interface AuthRoleRevokePermissionRequest {
  readonly role: string;
  readonly key: Uint8Array;
  readonly rangeEnd: Uint8Array;
}
