//! The fields of a connection, as a JSON Schema.

/// The fields of a connection. Those below `account_sub_domain` are stored by the product's adapter for other uses;
/// they are accepted so that a stored connection fits as it is.
pub(super) const SCHEMA: &str = r#"{
  "$schema": "https://json-schema.org/draft/2020-12/schema",
  "type": "object",
  "required": ["client_id", "client_secret"],
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
    "username": {
      "type": "string", "title": "User Name",
      "description": "Not used by this action, which signs in as the application."
    },
    "password": {
      "type": "string", "writeOnly": true, "title": "Password",
      "description": "Not used by this action, which signs in as the application."
    },
    "otp_secret": {
      "type": "string", "writeOnly": true, "title": "2FA Secret Key",
      "description": "Not used by this action, which signs in as the application."
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
