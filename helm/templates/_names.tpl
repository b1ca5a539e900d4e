{{- /* What all names begin with. Of their 63 characters the longest end, "-migrate-" and eight digits, takes 17. */ -}}
{{- define "workcenter.fullname" -}}
{{- $name := default .Chart.Name .Values.nameOverride -}}
{{- $full := contains $name .Release.Name | ternary .Release.Name (printf "%s-%s" .Release.Name $name) -}}
{{- default $full .Values.fullnameOverride | trunc 46 | trimSuffix "-" -}}
{{- end -}}

{{- /* What a Deployment or a Service finds its pods by; it never changes. Takes (list . COMPONENT). */ -}}
{{- define "workcenter.selector" -}}
{{- $root := index . 0 -}}
app.kubernetes.io/name: {{ default $root.Chart.Name $root.Values.nameOverride | trunc 63 | trimSuffix "-" }}
app.kubernetes.io/instance: {{ $root.Release.Name }}
{{- with index . 1 }}
app.kubernetes.io/component: {{ . }}
{{- end }}
{{- end -}}

{{- /* What every resource is labelled with. Takes (list . COMPONENT), or "" for what is of none. */ -}}
{{- define "workcenter.labels" -}}
{{- $root := index . 0 -}}
{{ include "workcenter.selector" . }}
app.kubernetes.io/part-of: workcenter
app.kubernetes.io/version: {{ $root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ $root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" $root.Chart.Name $root.Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{- end -}}

{{- /* The image, by digest if there is one. */ -}}
{{- define "workcenter.image" -}}
{{- with .Values.image -}}
{{- if .digest -}}
{{ printf "%s@%s" .repository .digest | quote }}
{{- else -}}
{{ printf "%s:%s" .repository (default $.Chart.AppVersion .tag) | quote }}
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
