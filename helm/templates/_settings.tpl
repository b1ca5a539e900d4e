{{- /* A map of settings as environment variables: drainSeconds becomes DRAIN_SECONDS. What is "" is left out. */ -}}
{{- define "workcenter.environment" -}}
{{- range $name, $value := . }}
{{- /* A number that comes from a file is a float, and a large one would be written as 1e+06. */}}
{{- if and (kindIs "float64" $value) (eq $value (floor $value)) }}{{ $value = int64 $value }}{{ end }}
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

{{- /* Where the files of TLS are. */ -}}
{{- define "workcenter.tls.settings" -}}
{{- with .Values.tls }}
{{- if .enabled }}
TLS_CERT_FILE: /etc/workcenter/tls/tls.crt
TLS_KEY_FILE: /etc/workcenter/tls/tls.key
{{- if .clientAuth }}
TLS_CLIENT_CA_FILE: /etc/workcenter/tls/ca.crt
{{- end }}
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
{{- if .Values.tls.enabled }}
HEALTH_LISTEN: "0.0.0.0:8083"
{{- end }}
METRICS_LISTEN: "0.0.0.0:9090"
{{- include "workcenter.pictures.settings" . }}
{{- include "workcenter.tls.settings" . }}
{{- end -}}

{{- /* The environment of workcenter-digestd, less the secrets. */ -}}
{{- define "workcenter.daemon.settings" -}}
{{- include "workcenter.environment" .Values.settings.shared }}
{{- include "workcenter.environment" .Values.settings.daemon }}
DAEMON_LISTEN: "0.0.0.0:50052"
{{- if .Values.tls.enabled }}
HEALTH_LISTEN: "0.0.0.0:8084"
{{- end }}
DAEMON_HTTP_LISTEN: "0.0.0.0:8081"
METRICS_LISTEN: "0.0.0.0:9090"
MAIL_DIR: /tmp/mail
{{- include "workcenter.mail.settings" . }}
{{- include "workcenter.pictures.settings" . }}
{{- include "workcenter.tls.settings" . }}
{{- end -}}

{{- /* Where a program listens, by the names of its ports, in YAML. Takes (list . COMPONENT). */ -}}
{{- define "workcenter.ports" -}}
{{- $ports := dict "grpc" 50051 "metrics" 9090 "health" 8083 -}}
{{- if eq (index . 1) "daemon" -}}
{{- $ports = dict "grpc" 50052 "metrics" 9090 "health" 8084 "http" 8081 -}}
{{- end -}}
{{- (index . 0).Values.tls.enabled | ternary $ports (omit $ports "health") | toYaml -}}
{{- end -}}

{{- /* Where a program is asked for health: in plain text, for the kubelet speaks no TLS. Takes (list . COMPONENT). */ -}}
{{- define "workcenter.healthPort" -}}
{{- $ports := include "workcenter.ports" . | fromYaml -}}
{{- int (default $ports.grpc $ports.health) -}}
{{- end -}}
