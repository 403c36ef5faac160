//! The fields of a connection, as a JSON Schema.

/// Whether the fields add up to one way of signing in is the host's to say, before anything is sent.
pub(super) const SCHEMA: &str = r#"{
  "$schema": "https://json-schema.org/draft/2020-12/schema",
  "type": "object",
  "required": ["client_id"],
  "anyOf": [{"required": ["tenant_id"]}, {"required": ["account_sub_domain"]}],
  "properties": {
    "client_id": {
      "type": "string", "minLength": 1, "title": "Azure Client ID",
      "description": "The application (client) id of the app registration."
    },
    "client_secret": {
      "type": "string", "minLength": 1, "writeOnly": true, "title": "Azure Client Secret",
      "description": "The value of a client secret, not its id."
    },
    "certificate": {
      "type": "string", "minLength": 1, "writeOnly": true, "title": "Certificate",
      "description": "A certificate with its key, instead of a client secret. The host signs with it."
    },
    "federated_token": {
      "type": "string", "minLength": 1, "writeOnly": true, "title": "Federated Token",
      "description": "A token of an outside issuer that the application trusts, instead of a client secret. It is read anew for each sign-in."
    },
    "tenant_id": {
      "type": "string", "minLength": 1, "pattern": "^[A-Za-z0-9.-]+$", "title": "Azure Tenant ID",
      "description": "The directory (tenant) id, or a verified domain of the tenant."
    },
    "account_sub_domain": {
      "type": "string", "minLength": 1, "pattern": "^[A-Za-z0-9-]+$", "title": "Account Sub Domain",
      "description": "contoso for contoso.onmicrosoft.com. Names the tenant where there is no tenant id."
    },
    "verify_ssl": {
      "type": "boolean", "default": true, "title": "Verify SSL",
      "description": "Check the certificates of the services. The host does this."
    },
    "sign_in": {
      "type": "string", "enum": ["app", "user"], "default": "app", "title": "Sign In As",
      "description": "app: as the application. user: as the user below, who needs a directory role that may revoke the sessions of others."
    },
    "username": {
      "type": "string", "minLength": 1, "title": "User Name",
      "description": "The user's principal name. Unused unless a user signs in."
    },
    "password": {
      "type": "string", "minLength": 1, "writeOnly": true, "title": "Password",
      "description": "The user's password. Unused unless a user signs in."
    },
    "otp_secret": {
      "type": "string", "minLength": 1, "writeOnly": true, "title": "2FA Secret Key",
      "description": "The secret key of the user's authenticator app, for one-time codes. Unused unless a user signs in."
    },
    "sso_provider": {
      "type": "boolean", "default": false, "title": "SSO Provider",
      "description": "Entra ID is the organisation's single sign-on: outcomes list the applications that the user reaches through it, because their own sessions outlive a revoke. Needs Directory.Read.All."
    },
    "canary_user": {
      "type": "string", "minLength": 1, "title": "Canary User",
      "description": "The principal name or mail address of a test account of yours, for the setting canary. It is signed out with every run that sets it."
    },
    "canary_refresh_token": {
      "type": "string", "minLength": 1, "writeOnly": true, "title": "Canary Refresh Token",
      "description": "A refresh token of that account for this very application. A revoke ends it, so each run that measures needs a new one."
    }
  }
}"#;
