{{- /* An environment variable out of the Secret. Takes (list . NAME KEY). */ -}}
{{- define "workcenter.secret" -}}
- name: {{ index . 1 }}
  valueFrom:
    secretKeyRef:
      name: {{ (index . 0).Values.existingSecret | quote }}
      key: {{ index . 2 | quote }}
{{- end -}}

{{- /*
The database out of the Secret: by its URL, or put together of parts by the kubelet, in the form that PostgreSQL's own
clients have for that, in which nothing but two characters means something. Takes (list . KEY), the key of the URL.
*/ -}}
{{- define "workcenter.database" -}}
{{- $root := index . 0 -}}
{{- $keys := $root.Values.secretKeys -}}
{{- if $root.Values.database.host -}}
{{ include "workcenter.secret" (list $root "PGUSER" $keys.databaseUser) }}
{{ include "workcenter.secret" (list $root "PGPASSWORD" $keys.databasePassword) }}
{{- with $root.Values.database }}
{{- $place := printf "host=%s port=%d dbname=%s" .host (int .port) .name }}
- name: DATABASE_URL
  value: {{ printf "%s user='$(PGUSER)' password='$(PGPASSWORD)' %s" $place .parameters | trim | quote }}
{{- end }}
{{- else -}}
{{ include "workcenter.secret" (list $root "DATABASE_URL" (index . 1)) }}
{{- end -}}
{{- end -}}

{{- /* The secrets of a program that serves. Some are there only if the Secret is said to have them. */ -}}
{{- define "workcenter.secrets" -}}
{{- with .Values.secretKeys -}}
{{ include "workcenter.database" (list $ .databaseUrl) }}
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

{{- /* The secrets of a migration, and where its files are. */ -}}
{{- define "workcenter.migrate.secrets" -}}
{{- $keys := .Values.secretKeys -}}
{{- include "workcenter.database" (list . (default $keys.databaseUrl $keys.migrationsDatabaseUrl)) }}
{{- if $keys.databaseCa }}
- name: DATABASE_CA_FILE
  value: /etc/workcenter/database/ca.crt
{{- end }}
{{- end -}}

{{- /* All variables of a container that are not settings. Takes (list SECRETS PODS). */ -}}
{{- define "workcenter.env" -}}
{{- $all := concat (index . 0 | fromYamlArray) (index . 1).extraEnv -}}
{{- $seen := dict -}}
{{- range $all -}}
{{- if hasKey $seen .name -}}
{{- fail (printf "pods.extraEnv: %s is there already" .name) -}}
{{- end -}}
{{- $_ := set $seen .name true -}}
{{- end -}}
{{- toYaml $all -}}
{{- end -}}

{{- /* The secrets that are files, for both programs. Volumes are mounted whole, so that a new certificate arrives. */ -}}
{{- define "workcenter.files.volumes" -}}
{{- include "workcenter.databaseCa.volume" . }}
{{- with .Values.tls }}
{{- if .enabled }}
- name: tls
  secret:
    secretName: {{ include "workcenter.tlsSecret" $ | quote }}
    defaultMode: 0440
    items:
      - {key: tls.crt, path: tls.crt}
      - {key: tls.key, path: tls.key}
      {{- if .clientAuth }}
      - {key: ca.crt, path: ca.crt}
      {{- end }}
{{- end }}
{{- end }}
{{- end -}}

{{- /* Where containers have them. */ -}}
{{- define "workcenter.files.mounts" -}}
{{- include "workcenter.databaseCa.mount" . }}
{{- if .Values.tls.enabled }}
- {name: tls, mountPath: /etc/workcenter/tls, readOnly: true}
{{- end }}
{{- end -}}

{{- /* The same of whom the database is trusted by, which migrations need too. */ -}}
{{- define "workcenter.databaseCa.volume" -}}
{{- with .Values.secretKeys.databaseCa }}
- name: database
  secret:
    secretName: {{ $.Values.existingSecret | quote }}
    defaultMode: 0440
    items:
      - {key: {{ . | quote }}, path: ca.crt}
{{- end }}
{{- end -}}

{{- define "workcenter.databaseCa.mount" -}}
{{- if .Values.secretKeys.databaseCa }}
- {name: database, mountPath: /etc/workcenter/database, readOnly: true}
{{- end }}
{{- end -}}
