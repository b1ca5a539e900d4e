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

{{- /* Where the files of TLS are, and where health is asked in plain text when the other ports are not. */ -}}
{{- define "workcenter.tls.settings" -}}
{{- with .Values.tls }}
{{- if .enabled }}
TLS_CERT_FILE: /etc/workcenter/tls/tls.crt
TLS_KEY_FILE: /etc/workcenter/tls/tls.key
{{- if .clientAuth }}
TLS_CLIENT_CA_FILE: /etc/workcenter/tls/ca.crt
{{- end }}
HEALTH_LISTEN: "0.0.0.0:8083"
{{- end }}
{{- end }}
{{- if .Values.secretKeys.databaseCa }}
DATABASE_CA_FILE: /etc/workcenter/database/ca.crt
{{- end }}
{{- end -}}

{{- /* The environment of workcenter-server, less the secrets. */ -}}
{{- define "workcenter.server.settings" -}}
{{- include "workcenter.environment" .Values.settings.shared }}
{{- include "workcenter.environment" .Values.settings.server }}
SERVER_LISTEN: "0.0.0.0:50051"
METRICS_LISTEN: "0.0.0.0:9090"
{{- include "workcenter.pictures.settings" . }}
{{- include "workcenter.tls.settings" . }}
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
{{- include "workcenter.tls.settings" . }}
{{- end -}}
