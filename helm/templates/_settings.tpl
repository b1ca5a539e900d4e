{{- /* A map of settings as environment variables: drainSeconds becomes DRAIN_SECONDS. What is "" is left out. */ -}}
{{- define "workcenter.environment" -}}
{{- range $name, $value := . }}
{{- /* A number that comes from a file is a float, and a large one would be written as 1e+06. */}}
{{- if kindIs "float64" $value }}{{ $value = int64 $value }}{{ end }}
{{- if ne (toString $value) "" }}
{{ $name | snakecase | upper }}: {{ $value | toString | quote }}
{{- end }}
{{- end }}
{{- end -}}

{{- /* Where the folder of pictures is, unless they are in a bucket. */ -}}
{{- define "workcenter.pictures.settings" -}}
{{- if not .Values.settings.shared.blobUrl }}
BLOB_DIR: /var/lib/workcenter/pictures
{{- end }}
{{- end -}}

{{- /* Nothing is said of TLS: TLS_CERT_FILE, TLS_KEY_FILE, TLS_CLIENT_CA_FILE and DATABASE_CA_FILE stay unset. Probes need no
address of their own then, which would be HEALTH_LISTEN: "0.0.0.0:8083" of the server and HEALTH_LISTEN: "0.0.0.0:8084" of
the daemon. */ -}}

{{- /* The environment of workcenter-server, less the secrets. */ -}}
{{- define "workcenter.server.settings" -}}
{{- include "workcenter.environment" .Values.settings.shared }}
{{- include "workcenter.environment" .Values.settings.server }}
SERVER_LISTEN: "0.0.0.0:50051"
METRICS_LISTEN: "0.0.0.0:9090"
{{- include "workcenter.pictures.settings" . }}
{{- end -}}

{{- /* The environment of workcenter-digestd, less the secrets. */ -}}
{{- define "workcenter.daemon.settings" -}}
{{- include "workcenter.environment" .Values.settings.shared }}
{{- include "workcenter.environment" .Values.settings.daemon }}
DAEMON_LISTEN: "0.0.0.0:50052"
DAEMON_HTTP_LISTEN: "0.0.0.0:8081"
METRICS_LISTEN: "0.0.0.0:9090"
MAIL_DIR: /tmp/mail
{{- include "workcenter.mail.settings" . }}
{{- include "workcenter.pictures.settings" . }}
{{- end -}}

{{- /* What changes when the settings do, so that the pods do too. Takes what one of the above says. */ -}}
{{- define "workcenter.checksum" -}}
{{- . | fromYaml | toJson | sha256sum -}}
{{- end -}}

{{- /* The secrets of a program that serves. Old keys and those of the bucket are there if the Secret is said to have them. */ -}}
{{- define "workcenter.secrets" -}}
{{- with .Values.secretKeys }}
{{ include "workcenter.secret" (list $ "DATABASE_URL" .databaseUrl) }}
{{ include "workcenter.secret" (list $ "TOKEN_KEY" .tokenKey) }}
{{- with .tokenKeysOld }}
{{ include "workcenter.secret" (list $ "TOKEN_KEYS_OLD" .) }}
{{- end }}
{{- with .awsAccessKeyId }}
{{ include "workcenter.secret" (list $ "AWS_ACCESS_KEY_ID" .) }}
{{- end }}
{{- with .awsSecretAccessKey }}
{{ include "workcenter.secret" (list $ "AWS_SECRET_ACCESS_KEY" .) }}
{{- end }}
{{- with .awsSessionToken }}
{{ include "workcenter.secret" (list $ "AWS_SESSION_TOKEN" .) }}
{{- end }}
{{- end }}
{{- end -}}

{{- /* An environment variable out of the Secret. Takes (list . NAME KEY). */ -}}
{{- define "workcenter.secret" -}}
- name: {{ index . 1 }}
  valueFrom:
    secretKeyRef:
      name: {{ (index . 0).Values.existingSecret | quote }}
      key: {{ index . 2 | quote }}
{{- end -}}
