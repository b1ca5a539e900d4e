{{- /* What all names begin with. Of their 63 characters the longest end, "-migrate-" and eight digits, takes 17. */ -}}
{{- define "workcenter.fullname" -}}
{{- $name := default .Chart.Name .Values.nameOverride -}}
{{- $full := contains $name .Release.Name | ternary .Release.Name (printf "%s-%s" .Release.Name $name) -}}
{{- default $full .Values.fullnameOverride | trunc 46 | trimSuffix "-" -}}
{{- end -}}

{{- /* What a Deployment or a Service finds its pods by; it never changes. Takes (list . COMPONENT). */ -}}
{{- define "workcenter.selector" -}}
{{- $root := index . 0 -}}
app.kubernetes.io/name: {{ default $root.Chart.Name $root.Values.nameOverride | trunc 63 | trimSuffix "-" | quote }}
app.kubernetes.io/instance: {{ $root.Release.Name | quote }}
app.kubernetes.io/component: {{ index . 1 }}
{{- end -}}

{{- /* What every resource is labelled with. Takes (list . COMPONENT). */ -}}
{{- define "workcenter.labels" -}}
{{- $root := index . 0 -}}
{{ include "workcenter.selector" . }}
app.kubernetes.io/part-of: workcenter
app.kubernetes.io/version: {{ $root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ $root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" $root.Chart.Name $root.Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{- end -}}

{{- /* What every resource has of metadata. Takes (list . COMPONENT END), the end of the name or "". */ -}}
{{- define "workcenter.metadata" -}}
{{- $root := index . 0 -}}
name: {{ printf "%s%s" (include "workcenter.fullname" $root) (index . 2) | quote }}
namespace: {{ $root.Release.Namespace | quote }}
labels:
  {{- include "workcenter.labels" . | nindent 2 }}
{{- end -}}

{{- /* The image, by digest if there is one. */ -}}
{{- define "workcenter.image" -}}
{{- with .Values.image -}}
{{- $place := empty .registry | ternary .repository (printf "%s/%s" (trimSuffix "/" .registry) .repository) -}}
{{- if .digest -}}
{{ printf "%s@%s" $place .digest | quote }}
{{- else -}}
{{ printf "%s:%s" $place (default $.Chart.AppVersion .tag) | quote }}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "workcenter.serviceAccountName" -}}
{{- $own := include "workcenter.fullname" . -}}
{{- default (.Values.serviceAccount.create | ternary $own "default") .Values.serviceAccount.name -}}
{{- end -}}

{{- define "workcenter.picturesClaim" -}}
{{- default (printf "%s-pictures" (include "workcenter.fullname" .)) .Values.pictures.existingClaim -}}
{{- end -}}

{{- /* The Secret with the certificate, whoever makes it. */ -}}
{{- define "workcenter.tlsSecret" -}}
{{- $made := printf "%s-tls" (include "workcenter.fullname" .) -}}
{{- .Values.tls.certManager.enabled | ternary $made .Values.tls.existingSecret -}}
{{- end -}}
