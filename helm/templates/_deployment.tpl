{{- /*
The Deployment of a program that serves. Takes a map: root, component, command, and secrets, mounts and volumes in YAML,
which may be "".
*/ -}}
{{- define "workcenter.deployment" -}}
{{- $root := .root -}}
{{- $component := .component -}}
{{- $values := get $root.Values $component -}}
{{- $pods := include "workcenter.pods" (list $root $component) | fromYaml -}}
{{- $settings := include (printf "workcenter.%s.settings" $component) $root -}}
apiVersion: apps/v1
kind: Deployment
metadata:
  {{- include "workcenter.metadata" (list $root $component (print "-" $component)) | nindent 2 }}
spec:
  {{- include "workcenter.replicas" $values | nindent 2 }}
  # A new pod is ready before an old one goes.
  strategy:
    type: RollingUpdate
    rollingUpdate: {maxUnavailable: 0, maxSurge: 1}
  selector:
    matchLabels:
      {{- include "workcenter.selector" (list $root $component) | nindent 6 }}
  template:
    metadata:
      {{- $checksum := dict "checksum/config" ($settings | fromYaml | toJson | sha256sum) }}
      {{- include "workcenter.pod.metadata" (list $root $component $pods $checksum) | nindent 6 }}
    spec:
      {{- include "workcenter.pod" (list $root (include "workcenter.serviceAccountName" $root) $pods) | nindent 6 }}
      terminationGracePeriodSeconds: {{ include "workcenter.grace" $root }}
      topologySpreadConstraints:
        {{- include "workcenter.spread" (list $root $component $pods) | trim | nindent 8 }}
      {{- if eq $root.Values.migrations.mode "initContainer" }}
      initContainers:
        {{- include "workcenter.migrate.container" (list $root $pods) | nindent 8 }}
      {{- end }}
      containers:
        - name: {{ $component }}
          command: [{{ .command }}]
          {{- include "workcenter.container" $root | nindent 10 }}
          envFrom:
            - configMapRef:
                name: {{ printf "%s-%s" (include "workcenter.fullname" $root) $component | quote }}
            {{- with $pods.extraEnvFrom }}
            {{- toYaml . | nindent 12 }}
            {{- end }}
          env:
            {{- include "workcenter.env" (list .secrets $pods) | nindent 12 }}
          ports:
            {{- range $name, $port := include "workcenter.ports" (list $root $component) | fromYaml }}
            - {name: {{ $name }}, containerPort: {{ $port }}}
            {{- end }}
          {{- include "workcenter.probes" (list $root $component) | nindent 10 }}
          resources:
            {{- toYaml $values.resources | nindent 12 }}
          volumeMounts:
            - {name: tmp, mountPath: /tmp}
            {{- include "workcenter.pictures.mount" $root | nindent 12 }}
            {{- include "workcenter.files.mounts" $root | trim | nindent 12 }}
            {{- .mounts | nindent 12 }}
            {{- with $pods.extraVolumeMounts }}
            {{- toYaml . | nindent 12 }}
            {{- end }}
      volumes:
        - name: tmp
          emptyDir: {}
        {{- include "workcenter.pictures.volume" $root | nindent 8 }}
        {{- include "workcenter.files.volumes" $root | trim | nindent 8 }}
        {{- .volumes | nindent 8 }}
        {{- with $pods.extraVolumes }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
{{- end -}}
